// The control socket: a Unix socket that only the same user may connect to, over which commands come
// as JSON objects, one a line, and are answered by one line each.
import Configuration
import IO
import JSON
import Telemetry

/// The open control socket. Confined to the supervisor's thread.
final class ControlSocket {
  let path: String
  /// The listening socket; ours until it is closed or handed over.
  let number: Int32
  private let reactor: Reactor
  private(set) var isClosing = false
  /// Clients that wait to say something.
  private var idle: Set<Int32> = []

  /// Clients at a time; one more is told so.
  static let mostClients = 16

  init(path: String, adopting number: Int32, on reactor: Reactor) {
    self.path = path
    self.number = number
    self.reactor = reactor
  }

  /// Waits for a client's next line.
  func receive(from client: ControlConnection) async -> ControlConnection.Reception {
    let fd = client.descriptor
    idle.insert(fd)
    defer { idle.remove(fd) }
    if isClosing { return .ended }
    return await client.receive()
  }

  /// Ends clients that wait to say something.
  func interruptIdle() {
    isClosing = true
    for fd in idle { reactor.interrupt(fd) }
  }

  /// Accepts no more clients; those that are being answered go on.
  func close() {
    isClosing = true
    reactor.interrupt(number)
  }
}

extension Supervisor {
  /// Opens the control socket, if there is to be one. The proxy goes on without it when it cannot.
  func openControlSocket() {
    if let (path, number) = boundControl {
      boundControl = nil
      start(ControlSocket(path: path, adopting: number, on: reactor))
    } else if let path = controlPath, let number = openControlSocket(at: path) {
      start(ControlSocket(path: path, adopting: number, on: reactor))
    }
  }

  /// Listens at a path.
  ///
  /// - Returns: nil when that cannot be, which is told.
  func openControlSocket(at path: String) -> Int32? {
    do throws(SystemError) {
      if Sockets.isAbandoned(path) { Process.unlink(path) }
      return try Sockets.listenPrivately(at: path).release()
    } catch {
      let reason = error.isAddressInUse ? "another process answers there" : "\(error)"
      Log.warning("no control socket at \(path): \(reason)")
      return nil
    }
  }

  /// Where it is to be; nil when there is to be none.
  var controlPath: String? { controlPath(of: configuration) }

  func controlPath(of configuration: Configuration) -> String? {
    // By default it stays where it was: the user may be another one now.
    let standing = inheritance.control?.path
    if launch.control == nil, configuration.process.controlSocket == nil, let standing {
      return standing
    }
    return ControlPath.path(for: launch.control ?? configuration.process.controlSocket)
  }

  func start(_ socket: ControlSocket) {
    control = socket
    controlFile.own(socket.path)
    Task.immediate { await self.acceptClients(of: socket) }
  }

  private func acceptClients(of socket: ControlSocket) async {
    guard
      var listener = try? Listener(Descriptor(adopting: socket.number), shared: false, on: reactor)
    else { return Log.error("cannot watch the control socket") }
    while !socket.isClosing {
      switch listener.accept() {
      case .accepted(let descriptor, _):
        let fd = descriptor.release()
        guard (try? reactor.register(fd)) != nil else {
          _ = Descriptor(adopting: fd)
          continue
        }
        commandClients += 1
        Task.immediate { await self.serve(fd, of: socket) }
      case .aborted: continue
      case .blocked: _ = await reactor.wait(for: listener.interest, until: .never)
      case .exhausted:
        _ = await reactor.wait(for: listener.pauseInterest, until: reactor.now.advanced(by: 500))
      }
    }
  }

  private func serve(_ fd: Int32, of socket: ControlSocket) async {
    let client = ControlConnection(registered: fd, on: reactor)
    defer { commandClients -= 1 }
    guard commandClients <= ControlSocket.mostClients else {
      await client.send(.failure("there are \(ControlSocket.mostClients) clients already"))
      return
    }
    while true {
      switch await socket.receive(from: client) {
      case .ended: return
      case .tooLong:
        await client.send(.failure("a request is at most \(ControlConnection.mostBytes) bytes"))
        return
      case .line(let line):
        let request: JSON
        do throws(JSONError) { request = try JSON(line) } catch {
          await client.send(.failure("the request is no JSON: \(error)"))
          return
        }
        if await handled(request, by: client) { return }
        guard await client.send(await answer(request)) else { return }
      }
    }
  }
}

extension JSON {
  /// The answer that a command was not carried out.
  static func failure(_ messages: String...) -> JSON { failure(messages) }

  static func failure(_ messages: [String]) -> JSON {
    ["ok": false, "error": .string(messages.joined(separator: "\n"))]
  }

  /// The answer that it was.
  static let success: JSON = ["ok": true]
}
