// The other end of the control socket: what the commands of the command line use.
import IO
import JSON

/// Why a command had no answer, in words ready to be shown.
package struct ControlError: Error, CustomStringConvertible {
  package let description: String
}

/// Asks a running rsp.
package enum ControlClient {
  /// Bytes of an answer; the status of 100,000 servers has about 30 million.
  package static let mostBytes = 256 << 20
  /// Seconds to wait for an answer: a reload of a large configuration takes some, an upgrade up to 60.
  static let patience = 90

  /// Sends a request and waits for its answer.
  ///
  /// - Throws: when no rsp answers at `path`, or the answer is that it cannot be done.
  package static func ask(_ request: JSON, at path: String) throws(ControlError) -> JSON {
    let line: [UInt8]?
    do throws(SystemError) {
      var stream = try BlockingStream(connectedTo: path, patience: patience)
      try stream.send(request.line + [0x0a])
      line = try stream.line(limit: mostBytes)
    } catch {
      let reason = error.wouldBlock ? "no answer in time" : "\(error)"
      throw ControlError(description: "no rsp answers at \(path): \(reason)")
    }
    guard let answer = try? JSON(line ?? []), let isDone = answer["ok"]?.bool else {
      throw ControlError(description: "no rsp answers at \(path): what came is no answer of rsp")
    }
    if !isDone {
      throw ControlError(description: answer["error"]?.text ?? "it cannot be done")
    }
    return answer
  }
}
