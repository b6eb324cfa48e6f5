// How a worker ends: no new connections, idle ones closed, busy ones finished; and how it gives
// memory back while it runs.
import Bytes
import Configuration
import IO
import Telemetry

extension WorkerState {
  func connectionEnded() {
    connections -= 1
    stopIfDrained()
  }

  func listenerEnded(_ fd: Int32) {
    listeners.remove(fd)
    stopIfDrained()
  }

  /// A worker that has been told to stop does when nothing is left that it listens to or serves.
  func stopIfDrained() {
    if isDraining, connections == 0, listeners.isEmpty { whenDrained?() }
  }
}

extension Worker {
  /// Stops accepting and ends once every connection has, or after `milliseconds`.
  package func drain(for milliseconds: Int64) {
    guard !state.isDraining else { return }
    state.isDraining = true
    state.whenDrained = { [loop] in loop.stop() }
    for fd in state.listeners { state.reactor.interrupt(fd) }
    state.reactor.wakeAll(parkedWith: state.clientKeeper)
    state.stopIfDrained()
    Task {
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
    while state.alarm != nil {
      await state.alarm?.sleep(until: state.reactor.now.advanced(by: 500))
      // Not while messages are on their way: it takes the allocator's time, and their blocks' pages.
      if state.parkedSinceTrim >= 64, state.buffers.lent <= WorkerState.ownBlocks {
        state.parkedSinceTrim = 0
        Memory.trim()
      }
    }
  }
}
