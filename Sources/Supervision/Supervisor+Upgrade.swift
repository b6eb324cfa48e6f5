// The upgrade of the running program: a new process takes the listening sockets over, and this one ends
// when its connections have.

extension Supervisor {
  package func upgrade() async throws(ReloadError) {
    throw ReloadError(messages: ["not yet"])
  }
}
