// How many certificates have objects of OpenSSL at a time. With ten thousand customers most are asked
// for rarely; their objects (7 KiB and more) go again, and their DER stays.
import Synchronization

/// A second-chance queue (the clock algorithm): a certificate that was used since the hand last passed
/// is passed over once. A use costs no lock of this queue, only the first one does.
package final class CertificateCache: Sendable {
  /// For the whole process: with chains of two, 14 MiB.
  package static let process = CertificateCache(limit: 1024)

  private struct Place {
    /// Weak: certificates of a configuration that is gone are to be gone too, with their keys.
    weak var certificate: Certificate?
  }
  private struct Clock {
    var places: [Place] = []
    var hand = 0
  }
  private let clock = Mutex(Clock())
  package let limit: Int

  /// - Parameter limit: certificates, at least one.
  package init(limit: Int) {
    precondition(limit > 0)
    self.limit = limit
  }

  /// Gives a certificate that has objects now a place, and takes another's if there is none left.
  func add(_ certificate: Certificate) {
    let evicted = clock.withLock { clock -> Certificate? in
      if clock.places.count < limit {
        clock.places.append(Place(certificate: certificate))
        return nil
      }
      while let other = clock.places[clock.hand].certificate, other.takeRecency() {
        clock.hand = (clock.hand + 1) % limit
      }
      let old = clock.places[clock.hand].certificate
      clock.places[clock.hand].certificate = certificate
      clock.hand = (clock.hand + 1) % limit
      return old
    }
    if evicted !== certificate { evicted?.unload() }
  }
}
