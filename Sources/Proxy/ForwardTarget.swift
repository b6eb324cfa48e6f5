// The request target that a server is asked for.
import Bytes
import HTTP
import Routing

/// What is sent in place of the target that came.
enum ForwardTarget {
  /// The bytes at this range of the request, which are normal already.
  case received(ByteRange)
  /// Bytes made for it.
  case made([UInt8])
}

extension ClientConnection where Stream: ~Copyable {
  /// Makes the path normal and an absolute target relative: what is matched is what is forwarded
  /// (behaviour 25; RFC 9112 3.2.1: a server gets the origin form).
  ///
  /// - Throws: what makes the path unacceptable.
  func forwardTarget() throws(PathError) -> ForwardTarget {
    switch request.form {
    case .asterisk, .authority:
      return .received(request.target)
    case .origin, .absolute:
      break
    }
    if request.path.isEmpty { return .made(emptyPath) }
    worker.scratch.reset()
    let changed = try input.withBytes { bytes throws(PathError) in
      try PathNormalizer.normalize(bytes.slice(request.path), into: &worker.scratch)
    }
    guard changed else {
      let end = request.hasQuery ? request.query.end : request.path.end
      return .received(ByteRange(Int(request.path.start)..<end))
    }
    appendQuery()
    return .made(worker.scratch.withBytes { $0.array() })
  }

  /// `http://host` and `http://host?q`: RFC 9112 3.2.1 and, for OPTIONS, 3.2.4.
  private var emptyPath: [UInt8] {
    worker.scratch.reset()
    if request.method == .options, !request.hasQuery {
      worker.scratch.append("*")
    } else {
      worker.scratch.append("/")
      appendQuery()
    }
    return worker.scratch.withBytes { $0.array() }
  }

  private func appendQuery() {
    guard request.hasQuery else { return }
    worker.scratch.append("?")
    worker.scratch.append(input, request.query.range)
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Lends the path of a target in its normal form; "/" for `*`, which names none.
  // Part of its callers: a closure that is handed over counts what it captures.
  @inline(__always)
  func withPath<Result>(of target: ForwardTarget, _ use: (RawSpan) -> Result) -> Result {
    switch target {
    case .received(let range) where !isAsterisk:
      let path = Int(range.start)..<range.end - queryCount
      return input.withBytes { use($0.extracting(path)) }
    case .made(let made) where made.first == 0x2f:
      return made.withBytes(0, made.firstIndex(of: 0x3f) ?? made.count, use)
    case .received, .made:
      // `OPTIONS http://host` has become "*".
      return [0x2f].withBytes(use)
    }
  }

  private var isAsterisk: Bool { if case .asterisk = request.form { true } else { false } }

  /// Bytes of the query and its "?".
  var queryCount: Int { request.hasQuery ? Int(request.query.count) + 1 : 0 }

  /// Takes the route's `strip_prefix` off the path.
  @inline(never)
  func strip(_ prefix: [UInt8], of target: ForwardTarget) -> ForwardTarget {
    guard let rest = withPath(of: target, { $0.rest(without: prefix) }) else { return target }
    switch target {
    case .received(let range):
      let kept = ByteRange(Int(range.start) + rest.lowerBound..<range.end)
      if !rest.isEmpty { return .received(kept) }
      return .made([0x2f] + input.withBytes { $0.slice(kept).array() })
    case .made(let made):
      return .made((rest.isEmpty ? [0x2f] : []) + made[rest.lowerBound...])
    }
  }
}

extension RawSpan {
  /// Where the rest of a path is when a prefix is taken off: empty for none of it, nil when the path
  /// does not begin with the prefix. Only whole segments are taken off: of "/api" or "/api/",
  /// "/api/x" becomes "/x"; "/apiary" stays.
  func rest(without prefix: [UInt8]) -> Range<Int>? {
    let hasSlash = prefix.last == 0x2f
    let count = hasSlash ? prefix.count - 1 : prefix.count
    guard count > 0, byteCount >= count else { return nil }
    for i in 0..<count where self[i] != prefix[i] { return nil }
    if byteCount == count { return hasSlash ? nil : count..<count }
    return self[count] == 0x2f ? count..<byteCount : nil
  }

  /// A copy of the bytes.
  func array() -> [UInt8] {
    [UInt8](capacity: byteCount) { copy in
      for i in 0..<byteCount { copy.append(self[i]) }
    }
  }
}
