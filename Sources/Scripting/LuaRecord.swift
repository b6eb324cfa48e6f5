// A record that Lua functions are given: read only, and filled in field by field when it is read.
import CLuaJIT
import CShims

/// What a record shows.
///
/// Bytes that are returned must stay in place until the source is asked again.
package protocol LuaRecordSource: AnyObject {
  /// The value of a simple field; nil for none.
  func value(ofField field: Int) -> UnsafeRawBufferPointer?
  /// Value `number`, counted from 0, of the entry `name` of a map; nil when there are not so many.
  func value(ofMap map: Int, _ name: UnsafeRawBufferPointer, number: Int) -> UnsafeRawBufferPointer?
}

/// A record in a Lua state. It can be read while it has a source; reading it at any other time is
/// an error in Lua. Of no use after its state has been closed.
@safe
package final class LuaRecord {
  /// What a function is given as its argument.
  package let reference: LuaReference
  private let record: OpaquePointer
  fileprivate private(set) var source: (any LuaRecordSource)?

  /// - Parameters:
  ///   - name: what messages call it.
  ///   - fields: the names of the simple fields, in the order of their numbers.
  ///   - maps: the same of the maps.
  package init(
    _ name: String, fields: [String], maps: [String], in lua: borrowing LuaState
  ) throws(LuaError) {
    let stack = lua.stack
    let shown = unsafe rsp_lua_source(field: readField, entry: readEntry)
    var record: OpaquePointer?
    // SAFETY: the state is open, and copies the names.
    let status = unsafe rsp_lua_push_record(
      stack.pointer, name, shown, fields.joined(separator: " "), maps.joined(separator: " "),
      &record)
    try stack.check(status)
    guard let record = unsafe record else { throw .outOfMemory }
    unsafe self.record = unsafe record
    reference = try stack.makeReference()
  }

  /// Lets `source` be read through the record for the length of `body`.
  package func lend<Result, Failure: Error>(
    _ source: any LuaRecordSource, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    self.source = source
    // SAFETY: the record lives as long as its reference, and has its context only while self is
    // in this method.
    unsafe rsp_lua_lend(record, Unmanaged.passUnretained(self).toOpaque())
    defer {
      unsafe rsp_lua_lend(record, nil)
      self.source = nil
    }
    return try body()
  }
}

// SAFETY: below, `context` is the LuaRecord of `lend`, which is running.

private func readField(_ context: UnsafeMutableRawPointer, _ field: Int32) -> rsp_lua_bytes {
  let record = unsafe Unmanaged<LuaRecord>.fromOpaque(context).takeUnretainedValue()
  return unsafe shim(record.source?.value(ofField: Int(field)))
}

private func readEntry(
  _ context: UnsafeMutableRawPointer, _ map: Int32, _ name: UnsafeRawPointer, _ count: Int,
  _ number: Int32
) -> rsp_lua_bytes {
  let record = unsafe Unmanaged<LuaRecord>.fromOpaque(context).takeUnretainedValue()
  let name = unsafe UnsafeRawBufferPointer(start: name, count: count)
  return unsafe shim(record.source?.value(ofMap: Int(map), name, number: Int(number)))
}

private func shim(_ bytes: UnsafeRawBufferPointer?) -> rsp_lua_bytes {
  guard let bytes = unsafe bytes else { return unsafe rsp_lua_bytes(start: nil, count: 0) }
  // An empty buffer may have no address, which would mean no value.
  let empty: StaticString = ""
  return unsafe rsp_lua_bytes(
    start: bytes.baseAddress ?? UnsafeRawPointer(empty.utf8Start), count: bytes.count)
}
