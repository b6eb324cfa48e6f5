// What is known of the certificate of one name that is got from an authority.
import ACME
import IO
import TLS

/// A name and its certificate. Confined to the supervisor's thread.
final class AutomaticCertificate {
  /// Milliseconds after which the time of day is looked at again: it may be set, and a machine may
  /// sleep.
  static let longestSleep: Int64 = 6 * 3_600_000

  let name: String
  /// Its number in the timetable.
  let number: Int
  /// The one in use; nil while there is none but the self-signed one.
  private(set) var certificate: Certificate?
  /// When a new certificate is asked for, in seconds since 1970; nil: now.
  var renewal: Int?
  var backOff = BackOff()
  /// How often a challenge was not met: the next attempt is by the next kind.
  var unmetChallenges = 0
  var isOrdering = false
  /// Why the last attempt failed, and when the next is made, in seconds since 1970.
  var failure: (error: ACMEError, next: Int)?

  init(_ name: String, number: Int) {
    self.name = name
    self.number = number
  }

  /// There is a certificate; the next is asked for when its time has come.
  func take(_ certificate: Certificate, random: inout some RandomNumberGenerator) {
    self.certificate = certificate
    renewal = Renewal.moment(certificate.validity, random: &random)
    backOff = BackOff()
    unmetChallenges = 0
    failure = nil
  }

  /// How many milliseconds there are until something is to be done, or to be looked at.
  func pause(at unixSeconds: Int) -> Int64 {
    guard let renewal else { return 0 }
    return min(max(0, Int64(renewal - unixSeconds) * 1000), Self.longestSleep)
  }
}
