// What an upstream needs of its worker.
import Balancing
import Configuration
import IO

/// The parts of a worker that upstreams use. Worker-confined.
final class UpstreamContext {
  let reactor: Reactor
  let loop: EventLoop
  let commons: Commons
  let keeper: PoolKeeper
  /// The worker itself, once it runs: others send it the places it waits for.
  weak var worker: Worker?
  /// Workers that choose by chance must not choose in step.
  var random: RandomSource

  init(_ reactor: Reactor, _ loop: EventLoop, _ commons: Commons) {
    self.reactor = reactor
    self.loop = loop
    self.commons = commons
    keeper = PoolKeeper(on: reactor)
    var system = SystemRandomNumberGenerator()
    random = RandomSource(seed: system.next())
  }

  var now: Milliseconds { reactor.now.milliseconds }
}
