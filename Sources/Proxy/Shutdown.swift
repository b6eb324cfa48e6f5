// How a worker ends: no new connections, idle ones closed, busy ones finished; and how it gives
// memory back while it runs.
import Configuration
import IO
import Telemetry

extension Worker {
  /// Stops accepting and ends once every connection has, or after `milliseconds`.
  package func drain(for milliseconds: Int64) {
    guard !state.isDraining else { return }
    state.isDraining = true
    for fd in state.acceptors { state.reactor.interrupt(fd) }
    state.reactor.wakeAll(parkedWith: state.clientKeeper)
    state.whenDrained = { [loop] in loop.stop() }
    if state.connections == 0 { loop.stop() }
    Task.immediate(executorPreference: loop) {
      guard let alarm = try? Alarm(on: self.state.reactor) else { return self.loop.stop() }
      await alarm.sleep(until: self.state.reactor.now.advanced(by: milliseconds))
      if self.state.connections > 0 {
        Log.warning("closing \(self.state.connections) connections that did not end in time")
      }
      self.loop.stop()
    }
  }

  /// Gives memory back that tasks of connections which are idle now have left behind.
  func keepHouse() async {
    guard let alarm = try? Alarm(on: state.reactor) else { return }
    while true {
      await alarm.sleep(until: state.reactor.now.advanced(by: 500))
      if state.parkedSinceTrim >= 64 {
        state.parkedSinceTrim = 0
        Memory.trim()
      }
    }
  }
}
