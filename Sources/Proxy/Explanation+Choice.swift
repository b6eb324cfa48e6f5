// Which server a request would be sent to, and why, for `rsp explain`. A copy of the balancer is asked,
// since choosing changes a balancer: credits, chance.
import Balancing
import Bytes
import Configuration
import HTTP
import IO
import Routing

extension UpstreamPlan {
  /// The server that a request would get from this worker now, and how that comes about.
  ///
  /// - Parameter path: in its normal form, without the query.
  func explainChoice(_ asked: ExplainedMessage, _ path: RawSpan) -> String {
    var copy = balancer
    for server in servers {
      guard let places = server.places else { continue }
      copy.setElsewhere(places.count - Int(copy.servers[server.index].inFlight), of: server.index)
    }
    let pinned = asked.head.withBytes { sticky?.server(of: asked.request, in: $0)?.index }
    let key = copy.algorithm == .hash ? hashed(asked, path) : nil
    switch copy.pick(at: context.now, key: key?.number, pinned: pinned) {
    case .unavailable: return "none: no server is in, the answer would be 503"
    case .full: return "none yet: all have max_connections requests, it would wait in line"
    case .server(let index):
      return words(of: index, pinned: pinned, key)
    }
  }

  private func words(of index: Int, pinned: Int?, _ key: HashedValue?) -> String {
    let server = servers[index]
    let address = "\(server.member.address)"
    if index == pinned { return "\(address) (sticky: the cookie means it)" }
    let now = context.now
    let ready = servers.filter {
      $0.member.isBackup == server.member.isBackup
        && balancer.servers[$0.index].health.availability(at: now).takesRequests
    }
    let backup = server.member.isBackup ? ", backup: no other is ready" : ""
    if ready.count == 1, ready[0] === server {
      return "\(address) (the only one that is ready\(backup))"
    }
    if let key, key.number == nil {
      let names = ready.map { "\($0.member.address)" }.joined(separator: ", ")
      return "one of \(names) (hash: by \(key.words)\(backup))"
    }
    if ready.isEmpty { return "\(address) (all are out, which is taken for none\(backup))" }
    return "\(address) (\(reason(key))\(backup))"
  }

  private func reason(_ key: HashedValue?) -> String {
    switch balancer.algorithm {
    case .roundRobin: "round_robin: it has the next turn in the worker that was asked"
    case .random: "random: by chance, this is one draw"
    case .p2c: "p2c: two are drawn at random, this is one draw"
    case .sticky: "sticky: no cookie that holds; two are drawn at random, this is one draw"
    case .leastConnections: "least_connections: the fewest in flight for its weight, else by chance"
    case .leastLatency: "least_latency: the shortest expected wait"
    case .hash: "hash: by \(key?.words ?? "nothing")"
    }
  }

  /// What is hashed; as `ClientConnection.hashKey` has it.
  private func hashed(_ asked: ExplainedMessage, _ path: RawSpan) -> HashedValue {
    if let template = options.hashKey {
      guard let value = asked.render(template, path, proxyHost: name) else {
        return HashedValue(
          number: nil, words: "\(template.source), which is known only when the request comes")
      }
      if !value.isEmpty {
        return HashedValue(
          number: value.withBytes { HashKey.of($0) },
          words: "\(template.source) = \"\(String(decoding: value, as: UTF8.self))\"")
      }
    }
    guard let client = asked.client else {
      return HashedValue(number: nil, words: "the client's address: say it with --client")
    }
    return HashedValue(
      number: HashKey.of(client.high, client.low), words: "the client's address, \(client)")
  }
}

/// What `hash` hashes.
private struct HashedValue {
  /// nil where it is not known.
  var number: UInt64?
  var words: String
}

/// A request to be explained, as it was parsed.
struct ExplainedMessage {
  let head: [UInt8]
  let request: RequestHead
  /// The client's address behind trusted proxies, if it was told.
  let client: InternetAddress?
  let isByTLS: Bool
  /// The site's name and the groups of the route's expression.
  var site = ""
  var groups: [[UInt8]] = []

  /// The value of a template; nil when something in it is known only of a real connection, or it is
  /// too long.
  func render(_ template: FieldTemplate, _ path: RawSpan, proxyHost: String) -> [UInt8]? {
    let buffers = BufferPool(keeping: 1)
    var buffer = buffers.borrow(.large)
    let outcome = template.render(into: &buffer) { variable, name, buffer in
      let value = variable == .proxyHost ? Array(proxyHost.utf8) : value(of: variable, name, path)
      guard let value, value.count <= buffer.tailroom else { return false }
      buffer.append(value.span)
      return true
    }
    switch outcome {
    case .rendered: return buffer.bytes.array()
    case .noRoom, .forbiddenByte: return nil
    }
  }

  private func value(
    of variable: TemplateVariable, _ name: RawSpan, _ path: RawSpan
  ) -> [UInt8]? {
    switch variable {
    case .host:
      return piece(request.host).prefix(head.withBytes { $0.slice(request.host).hostEnd })
        .map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    case .scheme: return Array((isByTLS ? "https" : "http").utf8)
    case .https: return Array((isByTLS ? "on" : "").utf8)
    case .tlsProtocol, .tlsCipher, .tlsServerName, .tlsSessionReused, .tlsClientSubject,
      .tlsClientVerify:
      return []
    case .requestMethod: return piece(request.methodRange)
    case .requestURI:
      let slash: [UInt8] = request.path.isEmpty ? [0x2f] : []
      if case .absolute = request.form {
        return slash + piece(ByteRange(Int(request.path.start)..<request.target.end))
      }
      return piece(request.target)
    case .uri: return path.array()
    case .query: return piece(request.query)
    case .isArgs: return request.query.isEmpty ? [] : [0x3f]
    case .serverProtocol: return Array("HTTP/1.1".utf8)
    case .serverName: return Array(site.utf8)
    case .remoteAddress: return client.map { Array($0.description.utf8) }
    case .field: return fields(name)
    case .argument:
      return head.withBytes { bytes in
        let query = bytes.slice(request.query)
        return query.value(of: name, separatedBy: 0x26).map { query.extracting($0).array() } ?? []
      }
    case .cookie: return cookie(name)
    case .group:
      let number = name.byteCount == 1 ? Int(name[0]) - 0x30 : -1
      return groups.indices.contains(number) ? groups[number] : []
    case .status, .upstreamAddress, .responseField, .proxyHost: return []
    case .remotePort, .peerAddress, .serverAddress, .serverPort, .forwardedFor, .requestID,
      .hostname, .timeISO8601, .milliseconds:
      return nil
    }
  }

  private func piece(_ range: ByteRange) -> [UInt8] {
    head.withBytes { $0.slice(range).array() }
  }

  private func fields(_ name: RawSpan) -> [UInt8] {
    let wanted = name.array()
    var values: [[UInt8]] = []
    var separator = ", "
    for field in request.fields {
      let isIt = head.withBytes { bytes in
        wanted.withBytes { bytes.slice(field.name).equalsIgnoringCase($0) }
      }
      guard isIt else { continue }
      if field.known == .cookie { separator = "; " }
      values.append(piece(field.value))
    }
    return Array(values.joined(separator: Array(separator.utf8)))
  }

  private func cookie(_ name: RawSpan) -> [UInt8] {
    head.withBytes { bytes in
      for field in request.fields where field.known == .cookie {
        let cookies = bytes.slice(field.value)
        if let value = cookies.value(of: name, separatedBy: 0x3b) {
          return cookies.extracting(value).array()
        }
      }
      return []
    }
  }
}
