// Keeps the servers of upstreams where the DNS says that they are: asks for every name when its last
// answer has run out, and reports the whole member list of an upstream when it has changed.
//
// The last good answer stands for as long as there is no better one: a DNS server that fails, says
// nothing, or says that there is no such name, takes no server out. (That a server is gone is for
// health checks to find; an empty answer is more often a mistake than a wish.)
import Configuration
import IO
import Proxy
import Telemetry

/// Follows names for all workers. Loop-confined.
package final class NameFollower {
  /// Names that are asked for at a time.
  package static let lookUpsAtOnce = 64
  /// Milliseconds to wait for one answer.
  static let patience: Int64 = 10_000
  /// The same for each target of a service: one that cannot be found does not hold the others up.
  static let targetPatience: Int64 = 3000
  /// Milliseconds between two questions about one name, at least.
  static let leastPause: Int64 = 20
  /// Milliseconds between two lines on the failures of one name, and of any two.
  static let complaintPause: (name: Int64, any: Int64) = (60_000, 200)

  let reactor: Reactor
  private let report: (String, [Member]) -> Void
  private let timetable: Timetable
  private let limits: Resolver.Limits
  private var resolver: Resolver
  private var dnsServers: String?
  private var complaints = LogLimiter(milliseconds: complaintPause.any)
  private var upstreams: [String: UpstreamConfiguration] = [:]
  private var reported: [String: [Member]] = [:]
  private var numbers: [NameQuestion: Int] = [:]
  private var names: [Int: FollowedName] = [:]
  private var nextNumber = 0

  /// - Parameters:
  ///   - servers: the DNS servers as "address:port,..."; nil: those of /etc/resolv.conf.
  ///   - limits: how long answers count and how the servers are asked.
  ///   - report: is told the name of an upstream and all its members, in the configuration's order.
  package init(
    on reactor: Reactor, loop: EventLoop, servers: String? = nil,
    limits: Resolver.Limits = Resolver.Limits(), atOnce: Int = lookUpsAtOnce,
    report: @escaping (String, [Member]) -> Void
  ) throws(SystemError) {
    self.reactor = reactor
    self.report = report
    self.limits = limits
    dnsServers = servers
    resolver = Resolver(on: reactor, servers: servers, limits: limits)
    timetable = try Timetable(on: reactor, loop: loop, atOnce: atOnce)
    timetable.serve(self)
  }

  /// Asks other DNS servers from the next question on.
  package func ask(_ servers: String?) {
    guard servers != dnsServers else { return }
    dnsServers = servers
    resolver = Resolver(on: reactor, servers: servers, limits: limits)
  }

  /// Says which upstreams there are from now on. Names that stay keep their answers.
  ///
  /// An upstream is reported at once when its names are known and its members are not those that
  /// were reported last; else when an answer to one of its names has come, or when it is known that
  /// none comes for now.
  package func update(
    _ configurations: [UpstreamConfiguration], isolation: isolated (any Actor)? = #isolation
  ) {
    let known = names.values.reduce(into: [:]) { $0[$1.question] = $1 }
    let oldNumbers = numbers
    (numbers, names, upstreams) = ([:], [:], [:])
    var new: [Int] = []
    for upstream in configurations {
      for question in Set(upstream.servers.compactMap { NameQuestion($0.address) }) {
        upstreams[upstream.name] = upstream
        if numbers[question] == nil {
          nextNumber += 1
          let number = oldNumbers[question] ?? nextNumber
          if oldNumbers[question] == nil { new.append(number) }
          numbers[question] = number
          names[number] = known[question] ?? FollowedName(question)
          names[number]?.upstreams = []
        }
        numbers[question].flatMap { names[$0] }?.upstreams.append(upstream.name)
      }
    }
    timetable.keep { names[$0] != nil }
    reported = reported.filter { upstreams[$0.key] != nil }
    for upstream in configurations where upstreams[upstream.name] != nil { publish(upstream.name) }
    for number in new { timetable.add(number, in: 0) }
  }

  /// The members of an upstream as far as they are known; nil when it has no name, and while nothing
  /// is known of its names.
  package func members(of upstream: String) -> [Member]? {
    guard let configuration = upstreams[upstream] else { return nil }
    var (isKnown, isSettled) = (false, true)
    let members = configuration.servers.flatMap { server in
      let name = NameQuestion(server.address).flatMap { numbers[$0] }.flatMap { names[$0] }
      if let name {
        isKnown = isKnown || !name.servers.isEmpty
        isSettled = isSettled && name.isSettled
      }
      return server.members(name?.servers ?? [])
    }
    return isKnown || isSettled ? members : nil
  }

  /// All that is known, for a worker that knows nothing yet.
  package var known: [String: [Member]] { reported }

  private func publish(_ upstream: String) {
    guard let members = members(of: upstream), reported[upstream] != members else { return }
    reported[upstream] = members
    report(upstream, members)
  }

  // MARK: Answers

  /// Asks the DNS.
  ///
  /// - Returns: what it says, and for how many milliseconds it counts.
  private func find(
    _ name: FollowedName, until deadline: Moment
  ) async throws(ResolveError) -> Resolver.Answer<NamedServer> {
    switch name.question {
    case .addresses(let host):
      let resolver = resolver
      let answer = try await resolver.currentAddresses(of: host, until: deadline)
      return Resolver.Answer(
        elements: answer.elements.map { NamedServer(address: $0) }, lifetime: answer.lifetime)
    case .services(let service):
      let resolver = resolver
      let answer = try await resolver.currentServices(of: service, until: deadline)
      return try await locate(answer, of: name)
    }
  }

  /// Finds the addresses of a service's targets. One whose addresses cannot be had now keeps those it
  /// had; without any target there is no answer.
  private func locate(
    _ services: Resolver.Answer<ServiceRecord>, of name: FollowedName
  ) async throws(ResolveError) -> Resolver.Answer<NamedServer> {
    var targets: [String: [SocketAddress]] = [:]
    var lifetime = services.lifetime
    var failure = ResolveError.notFound
    let resolver = resolver
    for host in Set(services.elements.map(\.host)) {
      do {
        let deadline = reactor.now.advanced(by: Self.targetPatience)
        let answer = try await resolver.currentAddresses(of: host, until: deadline)
        targets[host] = answer.elements
        lifetime = min(lifetime, answer.lifetime)
      } catch {
        targets[host] = name.targets[host]
        failure = error
        lifetime = min(lifetime, 5000)
      }
    }
    name.targets = targets
    let scale = WeightScale(services.elements)
    let best = services.elements.map(\.priority).min()
    let servers = services.elements.flatMap { service in
      (targets[service.host] ?? []).map {
        NamedServer(
          address: $0.with(port: service.port), weight: scale.weight(service.weight),
          isBackup: service.priority != best)
      }
    }
    guard !servers.isEmpty else { throw failure }
    return Resolver.Answer(
      elements: Array(servers.prefix(Resolver.mostFollowed)), lifetime: lifetime)
  }

  private func note(_ error: ResolveError, of name: FollowedName) {
    name.failures += 1
    let pause = Self.complaintPause.name
    if let last = name.complained, reactor.now < last.advanced(by: pause) { return }
    guard let suppressed = complaints.admit(at: reactor.now) else { return }
    name.complained = reactor.now
    let state =
      name.servers.isEmpty ? "it has no address yet" : "its last addresses go on to be used"
    Log.warning(
      "cannot resolve \(name.question.name): \(error.words); \(state)\(LogLimiter.note(suppressed))"
    )
  }
}

extension NameFollower: TimetableOwner {
  package func perform(_ number: Int) async -> Int64? {
    guard let name = names[number] else { return nil }
    do throws(ResolveError) {
      let answer = try await find(name, until: reactor.now.advanced(by: Self.patience))
      guard names[number] === name else { return nil }
      if name.take(answer.elements) {
        let list = name.servers.prefix(8).map(\.words).joined(separator: ", ")
        let rest = name.servers.count > 8 ? " and \(name.servers.count - 8) more" : ""
        Log.info("\(name.question.name) is at \(list)\(rest)")
        for upstream in name.upstreams { publish(upstream) }
      }
      return max(Self.leastPause, answer.lifetime)
    } catch {
      guard names[number] === name else { return nil }
      note(error, of: name)
      if name.failures == 1 { for upstream in name.upstreams { publish(upstream) } }
      return name.pauseAfterFailure
    }
  }
}

/// SRV's weights, from 0 to 65535, as the configuration's, from 1 to 256.
struct WeightScale {
  private let largest: Int

  init(_ services: [ServiceRecord]) { largest = Int(services.map(\.weight).max() ?? 0) }

  /// RFC 2782: a weight of 0 gives a server a very small chance, all zeros give all the same.
  func weight(_ weight: UInt16) -> Int {
    largest <= 256 ? max(1, Int(weight)) : max(1, Int(weight) * 256 / largest)
  }
}

extension NamedServer {
  /// For the log.
  fileprivate var words: String { address.port == 0 ? address.host : address.description }
}

extension ResolveError {
  /// For the log.
  var words: String {
    switch self {
    case .notFound: "there is no such name, or it has no address"
    case .serverFailed: "the DNS servers cannot be asked, or fail"
    case .timedOut: "no DNS server answered in time"
    case .tooManyNames: "too many names are being looked up"
    }
  }
}
