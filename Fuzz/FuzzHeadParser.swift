// libFuzzer target: any bytes, taken as a request and as a response, must be parsed without a trap,
// and must come to the same end however they are cut. The first byte chooses method, cuts, limits.

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count > 1, let start = unsafe start else { return 0 }
  let input = unsafe RawSpan(_unsafeStart: start, byteCount: count)
  let seed = input[0]
  let bytes = input.extracting(1..<count)
  // Half of the runs use limits so small that random input reaches them.
  let limits = seed & 1 == 0 ? HeadLimits.request : HeadLimits(head: 96, line: 40, fields: 4)

  let whole = parse(bytes, step: count, limits)
  let split = parse(bytes, step: 1 + Int(seed >> 1 & 15), limits)
  precondition(whole == split, "a request depends on how it is cut")

  let method = Method(rawValue: (seed >> 5) % 3 * 2) ?? .get
  let wholeAnswer = parseResponse(bytes, step: count, limits, method)
  let splitAnswer = parseResponse(bytes, step: 1 + Int(seed >> 1 & 15), limits, method)
  precondition(wholeAnswer == splitAnswer, "a response depends on how it is cut")

  checkPath(bytes)
  var fields = FieldLines()
  _ = try? HeadParser.parseTrailers(bytes, into: &fields, limits: limits)
  return 0
}

/// Everything a parse can come to.
enum Result: Equatable {
  case needMore
  case refused(RequestError)
  case useless(ResponseError)
  case head([Int], BodyFraming, Bool)
}

func parse(_ bytes: RawSpan, step: Int, _ limits: HeadLimits) -> Result {
  var parser = HeadParser(limits: limits)
  let head = RequestHead()
  var end = 0
  do throws(RequestError) {
    while end < bytes.byteCount {
      end = min(end + step, bytes.byteCount)
      guard try parser.parse(bytes.extracting(0..<end), into: head) else { continue }
      checkFields(bytes, head.fields, head.byteCount, limits)
      let ranges = [
        head.methodRange, head.target, head.authority, head.host, head.path, head.query,
        head.upgrade ?? .empty,
      ]
      let numbers = [
        Int(head.method.rawValue), Int(head.form.rawValue), Int(head.minorVersion), head.byteCount,
        head.hasQuery ? 1 : 0, head.expectsContinue ? 1 : 0,
      ]
      return .head(
        numbers + describe(bytes, ranges) + describe(bytes, head.fields), head.framing,
        head.keepAlive)
    }
    return .needMore
  } catch {
    return .refused(error)
  }
}

func parseResponse(
  _ bytes: RawSpan, step: Int, _ limits: HeadLimits, _ method: Method
) -> Result {
  var parser = HeadParser(limits: limits)
  let head = ResponseHead()
  var end = 0
  do throws(ResponseError) {
    while end < bytes.byteCount {
      end = min(end + step, bytes.byteCount)
      guard try parser.parse(bytes.extracting(0..<end), into: head, requestMethod: method) else {
        continue
      }
      checkFields(bytes, head.fields, head.byteCount, limits)
      let numbers = [
        Int(head.status), Int(head.minorVersion), head.byteCount, Int(head.keepAliveTimeout ?? 0),
      ]
      let ranges = [head.reason, head.upgrade ?? .empty]
      return .head(
        numbers + describe(bytes, ranges) + describe(bytes, head.fields), head.framing,
        head.keepAlive)
    }
    return .needMore
  } catch {
    return .useless(error)
  }
}

/// What every accepted head must be like, said without the parser's own means.
func checkFields(_ bytes: RawSpan, _ fields: FieldLines, _ byteCount: Int, _ limits: HeadLimits) {
  precondition(fields.count <= limits.fields)
  for field in fields {
    precondition(field.name.count > 0 && field.name.end < Int(field.value.start) + 1)
    precondition(field.value.end <= byteCount - 4)
    precondition(field.value.end - Int(field.name.start) <= limits.line)
    for i in field.value.range {
      precondition(bytes[i] == 9 || (bytes[i] >= 0x20 && bytes[i] != 0x7f))
    }
    for i in field.name.range {
      precondition(bytes[i] > 0x20 && bytes[i] < 0x7f && bytes[i] != 0x3a)
    }
    precondition(bytes[field.name.end] == 0x3a)
  }
  let end: [UInt8] = [13, 10, 13, 10]
  for i in 0..<4 { precondition(bytes[byteCount - 4 + i] == end[i]) }
}

func describe(_ bytes: RawSpan, _ ranges: [ByteRange]) -> [Int] {
  ranges.flatMap { range in
    _ = bytes.slice(range)
    return [Int(range.start), Int(range.count)]
  }
}

func describe(_ bytes: RawSpan, _ fields: FieldLines) -> [Int] {
  fields.flatMap { field in
    describe(bytes, [field.name, field.value])
      + [Int(field.known.rawValue), Int(field.flags.rawValue)]
  }
}

/// The normal form of a path is normal, and does not climb.
func checkPath(_ bytes: RawSpan) {
  let pool = BufferPool(keeping: 2)
  var once = pool.borrow(.small)
  var twice = pool.borrow(.small)
  guard let isChanged = try? PathNormalizer.normalize(bytes, into: &once), isChanged else { return }
  let isChangedAgain = try? PathNormalizer.normalize(once.bytes, into: &twice)
  precondition(isChangedAgain == false, "a normal form is not normal")
}
