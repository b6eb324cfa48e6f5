// Who asks authorities: finds their addresses, connects, and makes one exchange on each connection.
import Bytes
import HTTP
import IO
import TLS

/// Asks by HTTP. Loop-confined.
package final class HTTPClient {
  /// Milliseconds that one request may take, from the look-up of the name on.
  static let patience: Int64 = 30_000
  /// Addresses of a host that are tried.
  static let mostAddresses = 4

  let reactor: Reactor
  private let resolver: Resolver
  /// Says which authorities vouch for the authority itself.
  private let context: TLSContext
  private let buffers = BufferPool(keeping: 4)

  package init(on reactor: Reactor, resolver: Resolver, _ context: TLSContext) {
    self.reactor = reactor
    self.resolver = resolver
    self.context = context
  }

  /// What the host of a directory is verified with.
  ///
  /// - Parameter ca: the PEM file of authorities; nil for the system's.
  package static func context(ca: String?) throws(OpenSSLError) -> TLSContext {
    var options = TLSContext.ClientOptions()
    options.ca = ca
    return try TLSContext(options)
  }

  /// Makes a request.
  func send(_ request: HTTPRequest) async throws(ACMEError) -> HTTPAnswer {
    let deadline = reactor.now.advanced(by: Self.patience)
    let url = request.url
    let block = buffers.borrow(.large)
    let plain = try await connect(to: url, until: deadline)
    guard url.isSecure else {
      var exchange = HTTPExchange(plain, block, on: reactor, host: url.host, until: deadline)
      return try await exchange.run(request)
    }
    let stream = try await encrypt(plain, to: url.host, until: deadline)
    var exchange = HTTPExchange(stream, block, on: reactor, host: url.host, until: deadline)
    return try await exchange.run(request)
  }

  private func encrypt(
    _ plain: consuming TCPStream, to host: String, until deadline: Moment
  ) async throws(ACMEError) -> TLSStream {
    do throws(TLSFailure) {
      let session = try TLSSession(connecting: context)
      try session.setPeer(host, isAddress: SocketAddress(numeric: host, port: 0) != nil)
      return try await TLSStream.connect(plain, session, on: reactor, buffers, until: deadline)
    } catch {
      if case .timedOut = error { throw .timedOut(host: host) }
      throw .connection(host: host, reason: error.description)
    }
  }

  /// A connection to one of the host's addresses: the first that takes it.
  private func connect(
    to url: AuthorityURL, until deadline: Moment
  ) async throws(ACMEError) -> TCPStream {
    let addresses: [SocketAddress]
    do {
      addresses = try await resolver.addresses(of: url.host, port: url.port, until: deadline)
    } catch {
      throw .connection(host: url.host, reason: "its address cannot be found")
    }
    var failure = ACMEError.timedOut(host: url.host)
    for address in addresses.prefix(Self.mostAddresses) {
      do throws(ACMEError) {
        return try await connect(to: address, of: url.host, until: deadline)
      } catch {
        failure = error
      }
    }
    throw failure
  }

  private func connect(
    to address: SocketAddress, of host: String, until deadline: Moment
  ) async throws(ACMEError) -> TCPStream {
    do throws(TCPStream.OpenError) {
      return try await TCPStream.open(to: address, on: reactor, until: deadline)
    } catch {
      switch error {
      case .failed(let error): throw .connection(host: host, reason: "\(address): \(error)")
      case .timedOut: throw .timedOut(host: host)
      }
    }
  }
}
