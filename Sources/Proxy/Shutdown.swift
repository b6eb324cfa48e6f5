// How a worker ends: no new connections, idle ones closed, busy ones finished; and how it gives
// memory back while it runs.
import Bytes
import Configuration
import IO
import Telemetry

extension WorkerState {
  func connectionEnded(on listener: ClientListener) {
    connections -= 1
    listener.connections -= 1
    listeners.release(listener)
    stopIfDrained()
  }

  func socketEnded(_ fd: Int32, of listener: ClientListener) {
    listener.sockets.remove(fd)
    listeners.release(listener)
    stopIfDrained()
  }

  /// A worker that has been told to stop does when nothing is left that it listens to or serves.
  func stopIfDrained() {
    if isDraining, connections == 0, listeners.all.isEmpty { whenDrained?() }
  }

  /// A listener accepts nothing more, and its idle connections end as the phase says.
  func end(_ listener: ClientListener, _ phase: ClientListener.Phase) {
    listener.phase = phase
    for fd in listener.sockets { reactor.interrupt(fd) }
    reactor.wakeAll(parkedWith: clientKeeper) { note in
      let record = ConnectionRecord(note: note)
      return record.listener == listener.slot && !listener.letsRest(record)
    }
    listeners.release(listener)
  }
}

extension Worker {
  /// Stops accepting and ends once every connection has, or after `milliseconds`.
  ///
  /// - Parameter gently: idle connections may make one more request: another process accepts new ones,
  ///   so that there is no hurry.
  package func drain(for milliseconds: Int64, gently: Bool = false) {
    guard !state.isDraining else { return }
    state.isDraining = true
    state.whenDrained = { [loop] in loop.stop() }
    for listener in state.listeners.all { state.end(listener, gently ? .lastRequests : .closed) }
    // Who has to go elsewhere should know at once; where another process has taken over, there is
    // time.
    if !gently { state.leaveTunnels() }
    state.stopIfDrained()
    Task.immediate {
      guard let alarm = try? Alarm(on: self.state.reactor) else { return self.loop.stop() }
      await alarm.sleep(until: self.state.reactor.now.advanced(by: milliseconds))
      if gently {
        for listener in self.state.listeners.all { self.state.end(listener, .closed) }
        let hasWebSockets = self.state.tunnels.values.contains { $0.isWebSocket }
        self.state.leaveTunnels()
        // The idle ones end in their own tasks; clients of WebSockets get a moment for their farewell.
        await alarm.sleep(until: self.state.reactor.now.advanced(by: hasWebSockets ? 1000 : 50))
      }
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
        // What tasks in reserve hold lies among pages that are free but for it.
        state.reserve.dismiss()
        await state.reactor.yield()
        Memory.trim()
      }
    }
  }
}
