// libFuzzer target: any bytes, taken as a PROXY header, must be read without a trap, and to the same
// outcome however they are cut; what was read must be written so that it is read again.

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count > 0, let start = unsafe start else { return 0 }
  let bytes = unsafe RawSpan(_unsafeStart: start, byteCount: count)
  let whole = ProxyHeader.read(bytes)
  var first = ProxyHeader.Outcome.needMore
  for end in 1...count where first == .needMore {
    first = ProxyHeader.read(bytes.extracting(first: end))
  }
  precondition(first == whole, "a header depends on how it is cut")
  guard case .complete(let header, let length) = whole else { return 0 }
  precondition(length <= count && length <= ProxyHeader.longest)
  let pool = BufferPool(keeping: 0)
  var line = pool.borrow(.small)
  header.append1(to: &line)
  precondition(ProxyHeader.read(line.bytes) == .complete(header, byteCount: line.count))
  var binary = pool.borrow(.small)
  header.append2(nil, to: &binary)
  precondition(ProxyHeader.read(binary.bytes) == .complete(header, byteCount: binary.count))
  return 0
}
