// The certificates of a listener, as its workers see them: one reference that stays, behind which the
// supervisor puts a new table whenever a file has changed. No connection notices.
import Synchronization

/// What the handshakes of a listener choose from. Any thread may use it; a look-up holds a lock for the
/// time of a hash and two comparisons.
package final class CertificateStore: Sendable {
  private let index: Mutex<CertificateIndex>

  package init(_ index: CertificateIndex = CertificateIndex([], now: 0)) {
    self.index = Mutex(index)
  }

  /// Puts another table in place of the present one.
  package func replace(with new: CertificateIndex) {
    // Outside of the lock the old one is let go.
    _ = index.withLock { index in
      let old = index
      index = new
      return old
    }
  }

  /// The present table.
  package var current: CertificateIndex { index.withLock { $0 } }

  /// See `CertificateIndex.find`.
  package func find(_ name: RawSpan, ecdsa: Bool) -> Certificate? {
    current.find(name, ecdsa: ecdsa)
  }

  /// See `CertificateIndex.standard`.
  package func standard(ecdsa: Bool) -> Certificate? { current.standard(ecdsa: ecdsa) }
}
