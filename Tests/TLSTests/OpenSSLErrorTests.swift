// What is said of a failure of OpenSSL.
import Testing

@testable import TLS

@Suite struct OpenSSLErrorTests {
  @Test func `without an error on the queue there are words all the same`() {
    // Other tests may have left some on this thread's queue.
    _ = OpenSSLError.take()
    let error = OpenSSLError.take()
    #expect(error.code == 0)
    #expect(error.description == "unknown TLS error")
  }
}
