// The running rsp from the view of the new one that takes over from it.
import Balancing
import Configuration
import IO
import JSON
import Synchronization

/// The process that this one takes over from, until that is done. Asked before there is a loop, so its
/// calls wait.
package final class Predecessor: Sendable {
  private let stream: Mutex<BlockingStream>

  private init(_ stream: consuming sending BlockingStream) { self.stream = Mutex(stream) }

  /// Asks a running rsp for all that it listens on.
  ///
  /// - Parameter path: of its control socket.
  package static func takeOver(from path: String) throws(ReloadError) -> Inheritance {
    let refusal: String
    do throws(SystemError) {
      var stream = try BlockingStream(connectedTo: path, patience: 60)
      let request: JSON = ["command": "takeover", "pid": .integer(Int(Process.id))]
      try stream.send(request.line + [0x0a])
      let line = try stream.line(limit: ControlClient.mostBytes) ?? []
      let estate = (try? JSON(line)) ?? .null
      if estate["ok"]?.bool == true {
        var inheritance = try inheritance(of: estate, &stream)
        inheritance.predecessor = Predecessor(stream)
        return inheritance
      }
      refusal = estate["error"]?.text ?? "its answer makes no sense"
    } catch {
      refusal = "\(error)"
    }
    throw ReloadError(messages: ["cannot take over from \(path): \(refusal)"])
  }

  private static func inheritance(
    of estate: JSON, _ stream: inout BlockingStream
  ) throws(SystemError) -> Inheritance {
    var inheritance = Inheritance()
    let counts = (estate["listeners"]?.elements ?? []).map { max(0, $0["sockets"]?.int ?? 0) }
    var descriptors = try stream.descriptors(counts.reduce(1, +))[...]
    for (listener, count) in zip(estate["listeners"]?.elements ?? [], counts) {
      let sockets = Array(descriptors.prefix(count))
      descriptors = descriptors.dropFirst(count)
      inheritance.add(
        Inheritance.Item(
          address: listener["address"]?.text.flatMap { try? ListenAddress($0) }, sockets: sockets,
          isShared: listener["shared"]?.bool ?? false,
          isBorrowed: listener["borrowed"]?.bool ?? false))
    }
    if let path = estate["control"]?.text, let number = descriptors.last {
      inheritance.control = (path, number)
    }
    let key = (estate["sticky_key"]?.elements ?? []).compactMap {
      $0.text.flatMap { UInt64($0, radix: 16) }
    }
    if key.count == 2 { inheritance.stickyKey = SipHash.Key(key[0], key[1]) }
    inheritance.ticketKeys = (estate["ticket_keys"]?.text).map(Hexadecimal.bytes) ?? []
    inheritance.ticketTime = estate["ticket_time"]?.int ?? 0
    for wish in estate["wishes"]?.elements ?? [] {
      guard let upstream = wish["upstream"]?.text, let server = wish["server"]?.text,
        let number = wish["wish"]?.int.flatMap({ UInt8(exactly: $0) }),
        let wish = Administrative(rawValue: number)
      else { continue }
      inheritance.wishes[upstream, default: [:]][server] = wish
    }
    return inheritance
  }

  /// Says that we accept; from then on it does not.
  func reportReady() throws(SystemError) {
    try stream.withLock { stream throws(SystemError) in
      let request: JSON = ["command": "ready"]
      try stream.send(request.line + [0x0a])
      let line = try stream.line(limit: ControlClient.mostBytes) ?? []
      guard (try? JSON(line))?["ok"]?.bool == true else { throw SystemError.connectionLost }
    }
  }
}
