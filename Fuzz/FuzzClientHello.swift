// libFuzzer target: any bytes, taken as the start of a connection, must be read without a trap, and
// to the same outcome however they are cut.

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count > 0, let start = unsafe start else { return 0 }
  let bytes = unsafe RawSpan(_unsafeStart: start, byteCount: count)
  var reader = ClientHelloReader()
  let whole = reader.read(bytes)
  var bytewise = ClientHelloReader()
  var first = ClientHelloReader.Outcome.needMore
  for end in 1...count where first == .needMore {
    first = bytewise.read(bytes.extracting(first: end))
  }
  precondition(first == whole, "a hello depends on how it is cut")
  if case .complete(let hello) = whole {
    precondition(hello.byteCount <= count && hello.sessionIDCount <= 32)
    if let name = hello.serverName {
      precondition(1...253 ~= name.utf8.count && name == name.lowercased())
    }
    _ = hello.offers("h2")
  }
  return 0
}
