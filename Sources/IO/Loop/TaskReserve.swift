// Tasks that have done their work and wait for more of its kind: making a task, and the stack it grows,
// and freeing both costs as much as parsing a head.

/// Tasks in reserve. Worker-confined; keeps at most so many as it was told. Inlined, since a generic type
/// of another module would be looked up anew for each piece of work.
@safe
@usableFromInline
package final class TaskReserve<Work> {
  // The one that began to wait last is the first to go on: its stack is in the processor's cache.
  @usableFromInline var waiting: [UnsafeContinuation<Void, Never>] = unsafe []
  /// What the tasks that go on in the loop's next turn will find, in its order.
  @usableFromInline var given: [Work] = []
  @usableFromInline let limit: Int

  @inlinable
  package init(limit: Int) { self.limit = limit }

  /// How many tasks wait for work.
  @inlinable package var count: Int { unsafe waiting.count }

  /// Gives work to a waiting task, which goes on in the loop's next turn. False when none waits.
  @inlinable
  package func give(_ work: Work) -> Bool {
    // SAFETY: each continuation was stored once and is resumed once.
    guard let task = unsafe waiting.popLast() else { return false }
    given.append(work)
    unsafe task.resume()
    return true
  }

  /// Waits for work. Nil at once when enough tasks wait already, or later when it is dismissed: the task
  /// should end.
  @inlinable
  package func next() async -> Work? {
    guard unsafe waiting.count < limit else { return nil }
    await unsafe withUnsafeContinuation { continuation in unsafe waiting.append(continuation) }
    // Besides those that were given work there are those that were let go.
    return given.isEmpty ? nil : given.removeFirst()
  }

  /// Lets all go that wait: in the loop's next turn they find no work, and should end.
  @inlinable
  package func dismiss() {
    // SAFETY: as above.
    unsafe waiting.forEach { unsafe $0.resume() }
    unsafe waiting.removeAll()
  }
}
