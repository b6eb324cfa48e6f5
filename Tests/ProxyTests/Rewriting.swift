// A client's connection for tests of what becomes of heads: nothing is sent, heads go in and come
// out as text.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Testing

@testable import Proxy

let localPeer = SocketAddress.v4(0xc000_0207, port: 4711)

/// A connection that has received a request, and the route it is for.
struct Rewriting {
  let connection: ClientConnection<MemoryStream>
  let route: RoutePlan

  /// - Parameter request: complete; line ends may be bare LF here, for the eye.
  init(
    _ request: String, from peer: SocketAddress = localPeer,
    to server: ServerAddress = .ip(host: "127.0.0.1", port: 8888),
    limits: HeadLimits = .request, trusting trusted: String? = nil,
    _ change: (inout RouteOptions) -> Void = { _ in }
  ) throws {
    var options = RouteOptions()
    options.requestID = false
    options.forwardedFields = false
    change(&options)
    let worker = quietWorker(server, options)
    var listener = ListenerOptions()
    if let trusted { try listener.trusted.insert(trusted) }
    connection = ClientConnection(
      MemoryStream(), from: peer, ConnectionRecord(listener: 0, requests: 1, acceptedAt: 0),
      ClientListener(.any(port: 8000), listener), worker)
    route = try #require(worker.plan.route())
    var input = worker.buffers.borrow(.large)
    input.append(wire(request))
    var parser = HeadParser(limits: limits)
    let isComplete = try parser.parse(input.bytes, into: connection.request)
    try #require(isComplete)
    connection.input = input
    connection.route = route
    connection.place = RoutePlace(site: 0, route: 0)
    if connection.trustsPeer { connection.identifyClient() }
  }

  /// The target that is sent on.
  func target() throws -> String {
    switch try connection.forwardTarget() {
    case .made(let made): String(decoding: made, as: UTF8.self)
    case .received(let range): connection.input.withBytes { $0.string(range) }
    }
  }

  /// The head that the server gets, with LF for line ends; nil when it does not fit.
  func head(keepsServer: Bool = true) throws -> String? {
    let target = try connection.forwardTarget()
    connection.normalTarget = target
    connection.offersUpgrade = connection.mayUpgrade
    var head = connection.worker.borrow(fitting: connection.requestBound(for: route))
    let fits = connection.composeRequest(
      for: route, target, keepsServer: keepsServer, into: &head)
    return fits ? text(of: head).withLineFeeds : nil
  }

  /// Parses a response and returns the head that the client gets; nil when it does not fit.
  func response(
    _ response: String, chunked: Bool = false, persists: Bool = true, limits: HeadLimits = .response
  ) throws -> String? {
    let bytes = try parse(response, limits)
    let fits = connection.composeResponse(
      unsafe bytes.span.bytes, route, chunked: chunked, persists: persists)
    guard fits else { return nil }
    return text(of: connection.worker.scratch).withLineFeeds
  }

  /// The same for a 1xx response.
  func interim(_ response: String) throws -> String? {
    let bytes = try parse(response, .response)
    var head = connection.worker.buffers.borrow(.large)
    guard connection.composeInterim(unsafe bytes.span.bytes, into: &head) else { return nil }
    return text(of: head).withLineFeeds
  }

  /// The same for a 101.
  func switching(_ response: String) throws -> String? {
    let bytes = try parse(response, .response)
    guard connection.composeSwitch(unsafe bytes.span.bytes, route) else { return nil }
    return text(of: connection.worker.scratch).withLineFeeds
  }

  private func parse(_ response: String, _ limits: HeadLimits) throws -> [UInt8] {
    let bytes = Array(wire(response).utf8)
    var parser = HeadParser(limits: limits)
    let isComplete = try parser.parse(
      unsafe bytes.span.bytes, into: connection.response,
      requestMethod: connection.request.method)
    try #require(isComplete)
    return bytes
  }
}

/// A head as it is on the wire.
private func wire(_ head: String) -> String {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(head.utf8.count + 256)
  for byte in head.utf8 {
    if byte == 10 { bytes.append(13) }
    bytes.append(byte)
  }
  return String(decoding: bytes, as: UTF8.self)
}

extension String {
  /// CRLF as LF; any other CR stays and makes a comparison fail.
  var withLineFeeds: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count)
    for byte in utf8 {
      if byte == 10, bytes.last == 13 { bytes.removeLast() }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
