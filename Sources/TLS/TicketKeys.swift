// The keys of session tickets: by them a client that comes back takes up its session with any worker,
// after any reload, and after an upgrade of the program. Who has a key can read what was recorded of the
// sessions under it, so none lives longer than a day and a half, and none is written to a disk.
import COpenSSL

/// Three keys: the newest makes tickets, the others open those that clients still have. Any thread may
/// use it; the lock within is held for the copy of a key.
@safe
package final class TicketKeys: @unchecked Sendable {
  /// How long each key makes tickets. It opens them for twice as long after that.
  package static let period = 12 * 3600
  /// The bytes of a key: its name, and 32 each for AES-256 and HMAC-SHA256.
  package static let keyBytes = Int(COPENSSL_TICKET_KEY_BYTES)
  package static let most = Int(COPENSSL_TICKET_KEYS)

  private let pointer: OpaquePointer

  /// One new key.
  package init() throws(OpenSSLError) {
    guard let pointer = unsafe copenssl_tickets_new() else { throw OpenSSLError.take() }
    unsafe self.pointer = unsafe pointer
    try rotate()
  }

  // SAFETY: contexts keep a reference to this object for as long as they live.
  deinit { unsafe copenssl_tickets_free(pointer) }

  /// Puts a new key in front, and forgets the one before the last two.
  package func rotate() throws(OpenSSLError) {
    var keys = [UInt8](repeating: 0, count: Self.keyBytes)
    // SAFETY: as many bytes are written as there are.
    let result = unsafe keys.withUnsafeMutableBufferPointer { room -> Int32 in
      guard let start = room.baseAddress else { return 0 }
      return unsafe copenssl_random(start, room.count)
    }
    guard result == 1 else { throw OpenSSLError.take() }
    var old = exported()
    keys.reserveCapacity(keys.count + old.count)
    keys += old.prefix((Self.most - 1) * Self.keyBytes)
    old.wipe()
    set(keys)
    keys.wipe()
  }

  /// Takes the keys of the process before this one.
  ///
  /// - Parameter keys: what `exported` gave; nothing happens when it is anything else.
  package func adopt(_ keys: [UInt8]) {
    guard !keys.isEmpty, keys.count % Self.keyBytes == 0, keys.count <= Self.most * Self.keyBytes
    else { return }
    set(keys)
  }

  private func set(_ keys: [UInt8]) {
    // SAFETY: as many keys are read as there are.
    unsafe keys.withUnsafeBufferPointer { keys in
      guard let start = keys.baseAddress else { return }
      unsafe copenssl_tickets_set(pointer, start, keys.count / Self.keyBytes)
    }
  }

  /// All keys, the newest first, for the process that takes over. To be wiped by the caller.
  package func exported() -> [UInt8] {
    var keys = [UInt8](repeating: 0, count: Self.most * Self.keyBytes)
    // SAFETY: there is room for as many keys as there can be.
    let number = unsafe keys.withUnsafeMutableBufferPointer { room -> Int in
      guard let start = room.baseAddress else { return 0 }
      return unsafe copenssl_tickets_get(pointer, start)
    }
    keys.removeLast((Self.most - number) * Self.keyBytes)
    return keys
  }

  /// Has the tickets of a context made with these keys.
  ///
  /// - Parameter context: an `SSL_CTX` whose owner keeps a reference to this object.
  package func attach(to context: OpaquePointer) throws(OpenSSLError) {
    guard unsafe copenssl_context_use_tickets(context, pointer) == 1 else {
      throw OpenSSLError.take()
    }
  }
}
