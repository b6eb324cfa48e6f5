// An authority on loopback, without TLS, that says what a test tells it to: one answer a connection.
import Bytes
import HTTP
import IO
import JSON
import TLS
import TestSupport

@testable import ACME

/// Confined to its test's loop.
final class ScriptedAuthority {
  /// What it was asked, as far as it can be read.
  struct Asked {
    var method: String
    var path: String
    var header: JSON?
    var payload: JSON?
  }

  /// The whole response to a request.
  var answer: (Asked) -> String
  private(set) var asked: [Asked] = []
  let url: String
  private let reactor: Reactor
  private var listener: Listener
  private var isStopped = false

  init(
    on worker: isolated LoopActor, _ answer: @escaping (Asked) -> String = { _ in "" }
  ) throws {
    self.answer = answer
    reactor = worker.reactor
    let socket = try Sockets.listen(at: .v4(0x7f00_0001, port: 0), backlog: 16)
    guard let local = Sockets.localAddress(of: socket.number) else { preconditionFailure() }
    url = "http://\(local)"
    listener = try Listener(socket, shared: false, on: reactor)
    Task.immediate { await self.accept(on: worker) }
  }

  /// To be called before the test ends.
  func stop() { isStopped = true }

  /// A client of it.
  func client() throws -> HTTPClient {
    HTTPClient(
      on: reactor, resolver: Resolver(on: reactor), try HTTPClient.context(ca: nil))
  }

  /// How often a path was asked for.
  func count(_ path: String) -> Int { asked.count { $0.path == path } }

  private func accept(on worker: isolated LoopActor) async {
    while !isStopped {
      switch listener.accept() {
      case .accepted(let socket, _):
        guard let stream = try? TCPStream(socket, on: reactor) else { continue }
        var held: TCPStream? = consume stream
        let fd = held?.detach() ?? -1
        held = nil
        Task.immediate {
          await self.serve(TCPStream(registered: fd, on: worker.reactor))
        }
      default: _ = await reactor.wait(for: listener.interest, until: worker.soon(50))
      }
    }
  }

  private func serve(_ stream: consuming TCPStream) async {
    var input = BufferPool().borrow(.large)
    while true {
      if let asked = Self.read(text(input)) {
        self.asked.append(asked)
        break
      }
      switch stream.read(into: &input, limit: .max) {
      case .moved: continue
      case .blocked: _ = await reactor.wait(for: stream.readInterest, until: .never)
      case .ended, .failed: return
      }
    }
    var rest = answer(asked[asked.count - 1])[...]
    while !rest.isEmpty {
      var output = BufferPool().borrow(.small)
      output.append(String(rest.prefix(8192)))
      rest = rest.dropFirst(8192)
      while !output.isEmpty {
        switch stream.write(from: &output, more: false) {
        case .moved: continue
        case .blocked: _ = await reactor.wait(for: stream.writeInterest, until: .never)
        case .ended, .failed: return
        }
      }
    }
  }

  private func text(_ buffer: borrowing ByteBuffer) -> String {
    var bytes: [UInt8] = []
    for offset in buffer.bytes.byteOffsets {
      bytes.append(buffer.bytes[offset])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Nil while it is not complete.
  private static func read(_ text: String) -> Asked? {
    // As bytes: to Swift, CRLF is one character.
    let bytes = Array(text.utf8)
    guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else { return nil }
    let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
    let lines = head.split(separator: "\r\n")
    let words = lines[0].split(separator: " ")
    let length = lines.first { $0.hasPrefix("Content-Length: ") }
      .flatMap { Int($0.dropFirst("Content-Length: ".count)) }
    let body = Array(bytes[end.upperBound...])
    guard body.count >= length ?? 0 else { return nil }
    let json = try? JSON(body)
    func part(_ name: String) -> JSON? {
      json?[name]?.text.flatMap { try? JSON(decode($0)) }
    }
    return Asked(
      method: String(words[0]), path: String(words[1]), header: part("protected"),
      payload: part("payload"))
  }
}

/// A response with a length.
func response(_ status: Int, _ body: String = "", _ fields: String...) -> String {
  let lines = fields.map { $0 + "\r\n" }.joined()
  return "HTTP/1.1 \(status) Words\r\n\(lines)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

/// A problem document.
func problem(_ type: String, _ status: Int = 400, _ fields: String...) -> String {
  let body = #"{"type": "urn:ietf:params:acme:error:\#(type)", "detail": "no"}"#
  return response(
    status, body, (fields + ["Replay-Nonce: after-\(type)"]).joined(separator: "\r\n"))
}
