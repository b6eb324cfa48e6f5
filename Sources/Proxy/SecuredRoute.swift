// `redirect_https`: routes that are reached by TLS only. Requests without it are sent to the same URL
// with https; all others go where the route says.
import Bytes
import Configuration
import HTTP
import IO
import Routing

/// A route of a site that wants TLS. Made with the plan, so that routes which do not want it have
/// nothing to ask.
final class SecuredRoute {
  /// What is done with requests by TLS.
  let inner: Destination
  /// For a Host without a port: the client came by the usual port and is sent to the usual one.
  let plain: AnswerRoute
  /// For a Host with one, which names the port of TLS if it is not 443.
  let withPort: AnswerRoute

  init(
    _ inner: Destination, _ settings: RouteSettings, _ tables: PlanTables,
    port: UInt16?
  ) {
    self.inner = inner
    plain = AnswerRoute(settings, tables, OwnResponse(Self.redirect(port: nil)))
    withPort = AnswerRoute(settings, tables, OwnResponse(Self.redirect(port: port)))
  }

  /// RFC 9110 15.4.9: 308, so that a form that was sent without TLS is sent again, as it was.
  private static func redirect(port: UInt16?) -> Redirect {
    var parts: [FieldTemplate.Part] = [.text("https://"), .variable(.host)]
    if let port { parts += [.text(":"), .number(port)] }
    return Redirect(status: 308, location: FieldTemplate(parts + [.variable(.requestURI)]))
  }
}

extension Configuration {
  /// The port that https URLs of this configuration need; nil for the usual one, 443.
  var httpsPort: UInt16? {
    let ports = listeners.compactMap { listener -> UInt16? in
      guard listener.options.tls != nil, listener.service == .http else { return nil }
      switch listener.address {
      case .any(let port), .ip(_, let port), .name(_, let port): return port
      case .unix: return nil
      }
    }
    return ports.contains(443) ? nil : ports.first
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Whether the client's request came by TLS: to us, or to the trusted proxy before us.
  var isSecure: Bool { speaksTLS || trustsPeer && cameSecurely }

  /// Whether a trusted proxy says so, once and in full.
  private var cameSecurely: Bool {
    var found: ByteRange?
    for field in request.fields where field.known == .xForwardedProto {
      if found != nil { return false }
      found = field.value
    }
    guard let found else { return false }
    return input.withBytes { $0.slice(found).equalsIgnoringCase("https") }
  }

  /// What is done with a request of a route that wants TLS.
  func admit(toSecured route: SecuredRoute, _ target: ForwardTarget) -> Admission {
    if isSecure { return admit(to: route.inner, target) }
    // `OPTIONS *`, and HTTP/1.0 without a Host: no URL to go to.
    let isURL = input.withBytes { bytes in
      !request.host.isEmpty && (request.isAbsolute || bytes[Int(request.target.start)] == 0x2f)
    }
    guard isURL else {
      return .answer(.init(.badRequest, "this is for https only", keepAlive: mayPersist))
    }
    let hasPort = input.withBytes { bytes in
      let host = bytes.slice(request.host)
      return host.hostEnd < host.byteCount && host[host.byteCount - 1] != 0x2e
    }
    return admit(to: .respond(hasPort ? route.withPort : route.plain), target)
  }
}
