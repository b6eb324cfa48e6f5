// The request target that a server is asked for.
import Bytes
import HTTP

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

extension RawSpan {
  /// A copy of the bytes.
  func array() -> [UInt8] {
    var copy: [UInt8] = []
    copy.reserveCapacity(byteCount)
    for i in 0..<byteCount { copy.append(self[i]) }
    return copy
  }
}
