// Arrays in huge pages are arrays: what they hold does not depend on where they lie.
import Bytes
import Testing

@Suite struct HugePagesTests {
  @Test(arguments: [0, 1, 262_143, 262_144, 262_145, 1_000_000])
  func `an array of any size has its elements`(_ count: Int) {
    var array = Array(inHugePages: UInt64(7), count: count)
    #expect(array == Array(repeating: 7, count: count))
    array.append(8)
    #expect(array.last == 8)
  }
}
