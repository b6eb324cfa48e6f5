// Why a request goes where it goes, in words, for `rsp explain`. It asks the same parser and the same
// tables as a real request, one step after the other.
import Bytes
import Configuration
import HTTP
import IO
import Routing

/// What would become of a request.
package struct Explanation: Sendable, Equatable {
  /// Ready to be printed, one below the other.
  package private(set) var lines: [String] = []
  /// The number of the upstream in `Configuration.upstreams`, if it is sent to one.
  package fileprivate(set) var upstream: Int?
  /// The server that it would get, and how that comes about.
  package fileprivate(set) var choice: String?

  package init() {}

  /// Adds a line; labels stand in a column of their own.
  package mutating func add(_ label: String, _ text: String) {
    lines.append(label + String(repeating: " ", count: max(1, 10 - label.count)) + text)
  }
}

/// A request to be explained.
package struct ExplainedRequest: Sendable, Equatable {
  /// The listener it comes to, as messages write its address; nil for any.
  package var listener: String?
  package var method: String
  /// `http://host/path?query`, the same without the scheme, or `/path` beside a Host field.
  package var url: String
  package var fields: [String]
  /// The client's address, as found behind trusted proxies; nil where none is told.
  package var client: String?

  /// - Parameter fields: lines such as `A: b`.
  package init(
    listener: String? = nil, method: String = "GET", url: String, fields: [String] = [],
    client: String? = nil
  ) {
    self.client = client
    self.listener = listener
    self.method = method
    self.url = url
    self.fields = fields
  }

  /// Whether a text can be the client's address.
  package static func isAddress(_ text: String) -> Bool { InternetAddress(text) != nil }

  /// The head that a client would send.
  fileprivate var head: String {
    var target = url
    if !url.hasPrefix("/"), url != "*", !url.contains("://") { target = "http://" + url }
    var lines = ["\(method) \(target) HTTP/1.1"]
    let hasHost = fields.contains { $0.lowercased().hasPrefix("host:") }
    if !hasHost, let scheme = target.firstRange(of: "://") {
      let authority = target[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
      lines.append("Host: \(authority)")
    }
    return (lines + fields).joined(separator: "\r\n") + "\r\n\r\n"
  }
}

extension Worker {
  /// Says what would become of a request.
  package func explain(_ request: ExplainedRequest) -> Explanation {
    state.plan.explain(request, state.matcher, state.buffers)
  }
}

extension Plan {
  func explain(
    _ asked: ExplainedRequest, _ matcher: borrowing Matcher, _ buffers: BufferPool
  ) -> Explanation {
    var explanation = Explanation()
    explanation.add("listener", asked.listener ?? "any")
    let head = Array(asked.head.utf8)
    let request = RequestHead()
    do {
      try Self.parse(head, into: request)
      var path = buffers.borrow(.large)
      try Self.normalize(head, request, into: &path)
      let client = asked.client.flatMap { InternetAddress($0) }
      let message = ExplainedMessage(
        head: head, request: request, client: client,
        isByTLS: asked.url.lowercased().hasPrefix("https://"))
      explain(message, path.bytes, matcher, &explanation)
    } catch {
      explanation.add("refused", "\(error)")
    }
    return explanation
  }

  /// Why a request is refused before it is routed.
  private enum Refusal: Error, CustomStringConvertible {
    case request(RequestError), incomplete, path(PathError), connect

    var description: String {
      switch self {
      case .request(let error):
        "\(error.status.rawValue) \(error.status.reason): \(error.description)"
      case .incomplete: "this is no request head"
      case .path(let error): "400 Bad Request: \(error.description)"
      case .connect: "405 Method Not Allowed: CONNECT is not offered here"
      }
    }
  }

  private static func parse(_ head: [UInt8], into request: RequestHead) throws(Refusal) {
    var parser = HeadParser(limits: HeadLimits(head: 65536, line: 65536))
    let result = head.withBytes { bytes in
      Result { () throws(RequestError) in try parser.parse(bytes, into: request) }
    }
    do {
      guard try result.get() else { throw Refusal.incomplete }
    } catch let error as Refusal {
      throw error
    } catch let error as RequestError {
      throw .request(error)
    } catch {
      throw .incomplete
    }
    if case .connect = request.method { throw .connect }
  }

  /// Writes the path in its normal form; "/" where there is none.
  private static func normalize(
    _ head: [UInt8], _ request: RequestHead, into buffer: inout ByteBuffer
  ) throws(Refusal) {
    var error: PathError?
    head.withBytes { bytes in
      let path = bytes.slice(request.path)
      do throws(PathError) {
        guard try !PathNormalizer.normalize(path, into: &buffer) else { return }
        if path.byteCount <= buffer.tailroom { buffer.append(path) } else { error = .tooLong }
      } catch let failure {
        error = failure
      }
    }
    if let error { throw .path(error) }
  }

  private func explain(
    _ message: ExplainedMessage, _ path: RawSpan, _ matcher: borrowing Matcher,
    _ explanation: inout Explanation
  ) {
    let (head, request) = (message.head, message.request)
    let host = head.withBytes { $0.string(request.host) }
    let name = host.utf8.prefix(head.withBytes { $0.slice(request.host).hostEnd })
    explanation.add("host", name.isEmpty ? "none" : String(name)?.lowercased() ?? host)
    let cameAs = head.withBytes { $0.string(request.path) }
    let normal = path.string()
    explanation.add("path", normal == cameAs ? normal : "\(normal) (the normal form of \(cameAs))")
    guard let (site, by) = head.withBytes({ sites.match(host: $0.slice(request.host)) }) else {
      return explanation.add("site", "none has this name: \(message.isByTLS ? 421 : 404)")
    }
    let reason = Self.reason(by, String(name) ?? host)
    explanation.add("site", "\(sites.name(of: site.number)) (\(reason))")
    if message.isByTLS, let target = sites.passthroughs[site.number] {
      let upstream = Int(target.upstream)
      explanation.upstream = upstream
      explanation.choice = upstreams[upstream].explainChoice(message, path)
      let name = upstreams[upstream].name
      return explanation.add("action", "passed through to \"\(name)\", undecrypted")
    }
    var label = "route"
    var chosen: Int?
    for trial in sites.paths(of: site).index.explain(path, matcher) {
      explanation.add(label, trial.description)
      label = ""
      if case .chosen = trial.outcome { chosen = trial.route }
      if case .gaveUp = trial.outcome { return explanation.add("action", "answer 500") }
    }
    guard let chosen else { return explanation.add("action", "answer 404: no route has this path") }
    var found = message
    found.site = sites.name(of: site.number)
    if sites.isExpression(chosen, in: site) {
      let ranges = matcher.allGroups()
      for i in ranges.indices {
        found.groups.append(ranges[i].map { path.slice($0).array() } ?? [])
      }
    }
    explain(sites.destination(of: chosen, in: site), found, path, &explanation)
  }

  private static func reason(_ match: HostMatch, _ host: String) -> String {
    switch match {
    case .exact: "this name"
    case .wildcard(let suffix): "the longest wildcard that fits, *\(host.suffix(suffix))"
    case .any: "no other site has this name"
    }
  }

  /// What is done by a route, in the words of the configuration.
  private func explain(
    _ number: Int, _ message: ExplainedMessage, _ path: RawSpan, _ explanation: inout Explanation
  ) {
    let destination = sites.destinations[number]
    let options = sites.settings[Int(destination.settings)].value
    if options.redirectsToHTTPS, !message.isByTLS {
      return explanation.add("action", "redirect 308 to https (redirect_https)")
    }
    switch destination.work {
    case .proxy(let upstream):
      explanation.upstream = Int(upstream)
      explanation.choice = upstreams[Int(upstream)].explainChoice(message, path)
      explanation.add("action", "proxy \"\(upstreams[Int(upstream)].name)\"")
      if let range = path.rest(without: options.stripPrefix) {
        let prefix = String(decoding: options.stripPrefix, as: UTF8.self)
        let rest = range.isEmpty ? "/" : path.extracting(range).string()
        explanation.add("sent as", "\(rest) (strip_prefix \"\(prefix)\")")
      }
    case .respond(let number):
      explanation.add("action", "respond \(sites.responses[Int(number)].value.status)")
    case .redirect(let number):
      let redirect = sites.redirects[Int(number)].value
      explanation.add("action", "redirect \(redirect.status) to \(redirect.location.source)")
    case .function:
      explanation.add("action", "what the function says, request by request")
    }
  }
}
