// The upgrade of the running program without a lost connection: a successor takes the listening sockets
// over, while this process goes on accepting; when the successor is ready, this one stops accepting and
// ends with its last connection. Whatever becomes of a successor that is not ready, this process goes on.
//
//     successor                          this process
//     {"command":"takeover","pid":N} ->
//                                    <-  {"ok":true,"listeners":[...],...}, then the descriptors
//     opens what is new, starts workers
//     {"command":"ready"}            ->
//                                    <-  {"ok":true}, and it stops accepting
import Balancing
import Configuration
import IO
import JSON
import Proxy
import TLS
import Telemetry

/// A successor that was started and is not ready yet.
final class Succession {
  let child: Int32
  /// Set when it has taken over.
  var isDone = false

  init(child: Int32) { self.child = child }
}

extension Supervisor {
  /// How long a successor may take until it is ready.
  static let successionPatience: Int64 = 60_000

  /// Starts the program anew, and waits until it has taken over.
  ///
  /// - Returns: the number of the process that serves from now on.
  /// - Throws: why this process goes on instead.
  @discardableResult
  package func upgrade() async throws(ReloadError) -> Int32 {
    do throws(ReloadError) { return try await startSuccessor() } catch {
      for message in error.messages { Log.error("upgrade: \(message)") }
      throw error
    }
  }

  private func startSuccessor() async throws(ReloadError) -> Int32 {
    func refused(_ reason: String) -> ReloadError { ReloadError(messages: [reason]) }
    if isStopping { throw refused("rsp is stopping") }
    if succession != nil { throw refused("an upgrade is under way") }
    guard let control else { throw refused("it goes over the control socket, and there is none") }
    guard let program = launch.program, let alarm = try? Alarm(on: reactor) else {
      throw refused("the path of the program is not known")
    }
    let child: Int32
    do throws(SystemError) {
      child = try Process.spawn(program, Self.arguments(launch.arguments, from: control.path))
    } catch {
      throw refused("cannot start \(program): \(error)")
    }
    let succession = Succession(child: child)
    self.succession = succession
    defer { self.succession = nil }
    let deadline = reactor.now.advanced(by: Self.successionPatience)
    while !succession.isDone {
      await alarm.sleep(until: reactor.now.advanced(by: 50))
      if succession.isDone { break }
      if Process.hasEnded(child: child) {
        throw refused("the new process ended before it was ready; this one goes on")
      }
      if reactor.now >= deadline {
        Process.end(child: child)
        throw refused("the new process was not ready in time; this one goes on")
      }
    }
    return child
  }

  /// The same arguments as ours, and where to take over from.
  static func arguments(_ own: [String], from path: String) -> [String] {
    var arguments = own
    if let old = arguments.firstIndex(of: "--takeover") {
      arguments.removeSubrange(old..<min(old + 2, arguments.count))
    }
    // Behind "--" there are no options.
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    arguments.insert(contentsOf: ["--takeover", path], at: end)
    return arguments
  }

  // MARK: Handing over

  /// Gives everything that is open to the process at the other end, and ends when it is ready.
  func handOver(to client: ControlConnection, _ request: JSON) async {
    guard let pid = request["pid"]?.int else {
      await client.send(.failure("\"pid\" is needed"))
      return
    }
    // Nobody changes the listeners meanwhile.
    await turns.take()
    defer { turns.pass() }
    guard !isStopping, let control else {
      await client.send(.failure("rsp is stopping"))
      return
    }
    Log.info("Process \(pid) takes over.")
    let open = Array(listeners.values)
    let descriptors = open.flatMap(\.numbers) + [control.number]
    guard await client.send(estate(open, control)), await client.send(descriptors: descriptors),
      case .line(let line) = await client.receive(for: Self.successionPatience),
      (try? JSON(line))?["command"]?.text == "ready", !isStopping
    else {
      Log.error("Process \(pid) did not become ready: this one goes on.")
      return
    }
    controlFile.giveAway()
    control.close()
    self.control = nil
    await client.send(.success)
    if succession?.child == Int32(clamping: pid) { succession?.isDone = true }
    service.notify("MAINPID=\(pid)\nREADY=1")
    Log.info("Process \(pid) has taken over: running requests may finish.")
    await stop(gently: true)
  }

  /// What a successor is told; the descriptors follow in the same order, the control socket last.
  private func estate(_ open: [ListeningSockets], _ control: ControlSocket) -> JSON {
    let wishes = wishes.flatMap { upstream, servers in
      servers.map { server, wish -> JSON in
        [
          "upstream": .string(upstream), "server": .string(server),
          "wish": .integer(Int(wish.rawValue)),
        ]
      }
    }
    let key = commons.stickyKey
    return [
      "ok": true,
      "listeners": .array(
        open.map {
          [
            "address": .string("\($0.address)"), "sockets": .integer($0.numbers.count),
            "shared": .bool($0.isShared), "borrowed": .bool($0.isBorrowed),
          ]
        }),
      "control": .string(control.path),
      "sticky_key": .array([
        .string(String(key.low, radix: 16)), .string(String(key.high, radix: 16)),
      ]),
      "ticket_keys": .string(Hexadecimal.text(certificates.ticketKeys?.exported() ?? [])),
      "ticket_time": .integer(certificates.ticketsRotated),
      "wishes": .array(wishes),
    ]
  }

  // MARK: Taking over

  /// Tells the process that we take over from that we are ready, and takes its control socket.
  func completeTakeover() throws(ReloadError) {
    guard let predecessor = inheritance.predecessor else { return openControlSocket() }
    do throws(SystemError) { try predecessor.reportReady() } catch {
      throw ReloadError(messages: ["the running rsp does not let us take over: \(error)"])
    }
    guard let (path, number) = inheritance.control else { return openControlSocket() }
    let socket = Descriptor(adopting: number)
    if path == controlPath {
      start(ControlSocket(path: path, adopting: socket.release(), on: reactor))
    } else {
      Process.unlink(path)
      openControlSocket()
    }
  }
}
