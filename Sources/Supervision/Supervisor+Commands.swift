// What the control socket's commands do. Every request is an object with `command`; every answer has
// `ok`, and `error` when that is false. docs/operations.md lists them all.
import Balancing
import Configuration
import IO
import JSON
import Proxy
import Telemetry

extension Supervisor {
  /// Carries out a command and says what came of it.
  func answer(_ request: JSON) async -> JSON {
    guard let command = request["command"]?.text else {
      return .failure("a request is an object with \"command\"")
    }
    switch command {
    case "status": return await status(allSites: request["all_sites"]?.bool == true)
    case "reload": return await answerReload(request)
    case "confirm":
      return confirm() ? .success : .failure("no configuration waits to be confirmed")
    case "rollback":
      do throws(ReloadError) { try await rollBack() } catch { return .failure(error.messages) }
      return .success
    case "drain": return await administer(.draining, request)
    case "down": return await administer(.down, request)
    case "up": return await administer(.up, request)
    case "explain": return await explain(request)
    case "upgrade":
      do throws(ReloadError) {
        return ["ok": true, "pid": .integer(Int(try await upgrade()))]
      } catch {
        return .failure(error.messages)
      }
    default:
      return .failure("there is no command \"\(command)\"")
    }
  }

  /// Carries out a command that goes on with its client beyond one answer.
  ///
  /// - Returns: false when it is none.
  func handled(_ request: JSON, by client: ControlConnection) async -> Bool {
    guard request["command"]?.text == "takeover" else { return false }
    await handOver(to: client, request)
    return true
  }

  private func answerReload(_ request: JSON) async -> JSON {
    var seconds: Int?
    if let wanted = request["confirm"] {
      guard let number = wanted.int, (1...86400).contains(number) else {
        return .failure("\"confirm\" is a number of seconds from 1 to 86400")
      }
      seconds = number
    }
    do throws(ReloadError) { try await reload(probation: seconds) } catch {
      return .failure(error.messages)
    }
    return ["ok": true, "status": .string(statusWords)]
  }

  private func administer(_ wish: Administrative, _ request: JSON) async -> JSON {
    guard let upstream = request["upstream"]?.text, let server = request["server"]?.text else {
      return .failure("\"upstream\" and \"server\" are needed")
    }
    guard configuration.upstreams.contains(where: { $0.name == upstream }) else {
      return .failure("there is no upstream \"\(upstream)\"")
    }
    if isStopping { return .failure("rsp is stopping") }
    let matched = await administer(wish, server, in: upstream)
    guard matched > 0 else {
      return .failure("upstream \"\(upstream)\" has no server \"\(server)\"")
    }
    Log.info("Upstream \"\(upstream)\": server \(server) is \(wish.words) by command.")
    return ["ok": true, "servers": .integer(matched)]
  }

  /// Has every worker treat a server as the operator wants.
  ///
  /// - Returns: how many servers are meant.
  func administer(_ wish: Administrative, _ server: String, in upstream: String) async -> Int {
    var matched = 0
    for worker in workers {
      matched = max(matched, await worker.administer(wish, server: server, in: upstream))
    }
    if matched > 0 { wishes[upstream, default: [:]][server] = wish == .up ? nil : wish }
    if wishes[upstream]?.isEmpty == true { wishes[upstream] = nil }
    return matched
  }

  private func explain(_ request: JSON) async -> JSON {
    guard let url = request["url"]?.text else { return .failure("\"url\" is needed") }
    if isStopping { return .failure("rsp is stopping") }
    let client = request["client"]?.text
    if let client, !ExplainedRequest.isAddress(client) {
      return .failure("\"client\" is an IP address")
    }
    let asked = ExplainedRequest(
      listener: request["listener"]?.text ?? configuration.listener(for: url),
      method: request["method"]?.text ?? "GET", url: url,
      fields: (request["headers"]?.elements ?? []).compactMap(\.text), client: client)
    var explanation = await workers[0].explain(asked)
    var upstreams: [UpstreamStatus] = []
    for worker in workers { upstreams = Self.sum(upstreams, await worker.upstreamStatus()) }
    explanation.addServers(upstreams, configuration)
    return ["ok": true, "lines": .array(explanation.lines.map { .string($0) })]
  }
}

extension Administrative {
  fileprivate var words: String {
    switch self {
    case .up: "up"
    case .draining: "draining"
    case .down: "down"
    }
  }
}
