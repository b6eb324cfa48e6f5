// What a server has given us to take a session up again by.
import COpenSSL

/// A session that can be resumed. Worker-confined.
@safe
package final class TLSTicket {
  let handle: OpaquePointer

  fileprivate init(_ handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe copenssl_ticket_free(handle) }

  /// Whether its time has not passed yet.
  package var isFresh: Bool { unsafe copenssl_ticket_is_fresh(handle) != 0 }
}

extension TLSSession {
  /// The newest ticket, once; nil when none has come since.
  package func takeTicket() -> TLSTicket? {
    guard let ticket = unsafe copenssl_session_take_ticket(handle) else { return nil }
    return unsafe TLSTicket(ticket)
  }

  /// Tries to take up the session that the ticket is of.
  package func resume(_ ticket: TLSTicket) { unsafe copenssl_session_resume(handle, ticket.handle) }
}
