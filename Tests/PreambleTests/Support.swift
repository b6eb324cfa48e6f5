// What the tests of this folder share: a ClientHello made of parts, and bytes given piece by piece.
import Bytes
import Glibc

@testable import Preamble

/// A ClientHello that can be made wrong in every part.
struct Hello {
  var version: [UInt8] = [3, 3]
  var session = [UInt8](repeating: 7, count: 32)
  var suites: [UInt8] = [0x13, 0x01, 0xc0, 0x2b]
  var compression: [UInt8] = [0]
  /// Whole extensions, one after the other; nil for none at all.
  var extensions: [UInt8]? = []

  static func vector(_ lengthBytes: Int, _ bytes: [UInt8]) -> [UInt8] {
    (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) } + bytes
  }

  mutating func add(_ type: Int, _ data: [UInt8]) {
    let kept = extensions ?? []
    extensions = kept + [UInt8(type >> 8), UInt8(type & 255)] + Self.vector(2, data)
  }

  mutating func add(name: String) {
    add(0, Self.vector(2, [0] + Self.vector(2, Array(name.utf8))))
  }

  static func named(_ name: String) -> Hello {
    var hello = Hello()
    hello.add(name: name)
    return hello
  }

  var message: [UInt8] {
    var body = version + [UInt8](repeating: 9, count: 32) + Self.vector(1, session)
    body += Self.vector(2, suites) + Self.vector(1, compression)
    if let extensions { body += Self.vector(2, extensions) }
    return [1] + Self.vector(3, body)
  }

  /// The message in records of `size` bytes.
  func records(of size: Int = 16384) -> [UInt8] {
    let message = message
    return stride(from: 0, to: message.count, by: size).flatMap { start in
      [22, 3, 1] + Self.vector(2, Array(message[start..<min(start + size, message.count)]))
    }
  }
}

func read(_ bytes: [UInt8]) -> ClientHelloReader.Outcome {
  var reader = ClientHelloReader()
  return bytes.withUnsafeSpan { reader.read($0) }
}

/// The first outcome that is not `needMore`, when the bytes arrive up to each of `cuts` in turn.
func read(_ bytes: [UInt8], cuts: some Sequence<Int>) -> ClientHelloReader.Outcome {
  var reader = ClientHelloReader()
  for cut in cuts {
    let outcome = bytes.withUnsafeSpan { reader.read($0.extracting(first: cut)) }
    if outcome != .needMore { return outcome }
  }
  return .needMore
}

func header(_ text: String) -> ProxyHeader.Outcome { header(Array(text.utf8)) }

func header(_ bytes: [UInt8]) -> ProxyHeader.Outcome {
  bytes.withUnsafeSpan { ProxyHeader.read($0) }
}

func written(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
  let pool = BufferPool()
  var buffer = pool.borrow(.small)
  write(&buffer)
  return buffer.bytes.copied
}

/// A file of the fuzzer's corpus.
func corpus(_ name: String) -> [UInt8] {
  let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  guard let file = unsafe fopen("/\(root)/Fuzz/corpus/\(name)", "r") else { return [] }
  defer { unsafe fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 70_000)
  let count = unsafe fread(&bytes, 1, bytes.count, file)
  return Array(bytes[..<count])
}
