// Tables: values where they were put, whatever the size; cache lines and huge pages.
import Bytes
import Testing

@Suite struct TableTests {
  /// Around the size of a huge page, which is 2^18 words.
  @Test(arguments: [0, 1, 9, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18])
  func `each value is where it was put`(count: Int) {
    var table = Table<UInt64>(repeating: 7, count: count)
    #expect(table.count == count)
    #expect(table.byteCount == 8 * count)
    for number in stride(from: 0, to: count, by: 3) { table[number] = UInt64(number) }
    let areRight = (0..<count).allSatisfy { table[$0] == ($0 % 3 == 0 ? UInt64($0) : 7) }
    #expect(areRight)
  }

  @Test func `a table that grows keeps its values and fills up with the other`() {
    var table = Table<UInt32>(repeating: 1, count: 5)
    table[4] = 2
    table = table.grown(to: 9, filling: 3)
    let values = (0..<table.count).map { table[$0] }
    #expect(values == [1, 1, 1, 1, 2, 3, 3, 3, 3])
  }

  @Test(arguments: [-1, 5, Int.max]) func `a number that is not in the table traps`(
    number: Int
  ) async {
    await #expect(processExitsWith: .failure) { [number] in
      let table = Table<UInt8>(repeating: 1, count: 5)
      _ = table[number]
    }
  }
}
