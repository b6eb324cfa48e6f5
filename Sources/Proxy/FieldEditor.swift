// Changes to the fields of a head, as `request_headers` and `response_headers` order them: worked
// out once from the options, so that a request compares bytes and copies pieces.
import Bytes
import Configuration
import HTTP
import Routing

/// What is done to the fields of a head. Immutable; nil stands where nothing is done.
final class FieldEditor {
  /// Fields that are not passed on as they came, those with names that rsp knows.
  let dropped: FieldNames
  /// The other names, in small letters.
  private let droppedNames: [[UInt8]]
  /// The fields that are written: those that are set, then those that are added.
  let written: [FieldChanges.Field]
  /// Bytes of the written lines, their variables aside.
  let byteCount: Int
  /// How many variables are in them.
  let variables: Int

  /// - Returns: nil when nothing is changed.
  init?(_ changes: FieldChanges) {
    if changes.isEmpty { return nil }
    var known = FieldNames()
    var others: [[UInt8]] = []
    for name in changes.remove + changes.set.map(\.name) {
      switch FieldName(name) {
      case .other: others.append(name.utf8.map { 0x41...0x5a ~= $0 ? $0 | 0x20 : $0 })
      case let name where FieldNames.ofMessage.contains(name): continue
      case let name: known = known.union(FieldNames(name))
      }
    }
    dropped = known
    droppedNames = others
    written = (changes.set + changes.add).filter {
      !FieldNames.ofMessage.contains(FieldName($0.name))
    }
    byteCount = written.reduce(0) { $0 + $1.name.utf8.count + 4 + $1.value.literalByteCount }
    variables = written.reduce(0) { $0 + $1.value.variables.count }
  }

  /// Whether a field is not passed on as it came.
  func drops(_ field: FieldLine, of bytes: RawSpan) -> Bool {
    if case .other = field.known {
      let name = bytes.slice(field.name)
      return droppedNames.contains { name.isName($0) }
    }
    return dropped.contains(field.known)
  }

  /// Whether a template of these names a group of the route's expression.
  var usesGroups: Bool {
    written.contains { $0.value.variables.contains(.group) }
  }
}

extension FieldName {
  init(_ name: String) {
    self = Array(name.utf8).withBytes { FieldName($0) }
  }
}

extension RawSpan {
  /// Whether the bytes are those of a name in small letters, but for the case of ASCII letters.
  fileprivate func isName(_ lowercased: [UInt8]) -> Bool {
    guard byteCount == lowercased.count else { return false }
    for i in 0..<byteCount {
      let byte = self[i]
      if (byte &- 0x41 < 26 ? byte | 0x20 : byte) != lowercased[i] { return false }
    }
    return true
  }
}
