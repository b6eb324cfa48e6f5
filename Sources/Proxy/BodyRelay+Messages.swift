// The way of small messages through a tunnel: from the block they were received in to the block they
// leave from, with no call and no buffer of their own (docs/decisions/0032).
import Bytes
import HTTP
import IO

extension BodyRelay {
  /// Moves what can be moved of one direction of a tunnel: like `pump`, but a small message that has
  /// been received leaves with those of other tunnels at the end of the turn (`ByteStream.post`).
  ///
  /// Who waits then has to listen to the sink as well, or call `settlePosts`, and to call this again.
  mutating func move<From: ByteStream & ~Copyable, To: ByteStream & ~Copyable>(
    from: inout From, to: inout To
  ) throws(RelayError) -> Step {
    if to.hasUnsent { takeBack(from: &to) }
    let isEmpty = !isInputEnded && output.isEmpty && extras?.hasPipe != true
    if isEmpty {
      // The other direction woke the tunnel.
      if !from.mayRead { return .blocked }
      if passMessage(from: &from, to: &to), !from.mayRead { return .blocked }
    }
    let before = received
    let step = try pump(from: &from, to: &to)
    if received != before { expectsMessage = received &- before <= Reactor.smallMessage }
    // The sink is told the end behind what was posted.
    guard case .finished = step, !settlePosts(to: &to) else { return step }
    return .blocked
  }

  /// What to wait for when more is wanted from the source.
  func sourceInterest<From: ByteStream & ~Copyable>(in source: borrowing From) -> Interest {
    expectsMessage ? source.messageInterest : source.readInterest
  }

  /// Sends what was posted at once. When it does not leave in full, the rest is output again.
  ///
  /// - Returns: whether it has left.
  mutating func settlePosts<To: ByteStream & ~Copyable>(to: inout To) -> Bool {
    if to.settle() { return true }
    takeBack(from: &to)
    return false
  }

  /// Posts the message that has been received, when it is small and passes as it is.
  ///
  /// - Precondition: nothing waits to be written.
  private mutating func passMessage<From: ByteStream & ~Copyable, To: ByteStream & ~Copyable>(
    from: inout From, to: inout To
  ) -> Bool {
    let extras = extras
    // A WebSocket that is to end does so in the middle of a message as well.
    if let extras, extras.isLeaving { return false }
    let count = from.passMessage { message in
      guard to.post(message) else { return false }
      extras?.frames?.follow(message)
      return true
    }
    guard count > 0 else { return false }
    received += UInt64(count)
    noteRead(count)
    return true
  }
}
