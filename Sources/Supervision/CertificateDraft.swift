// All certificates that a configuration asks for, read and indexed beside those in force. A value that
// can be made on any thread: what becomes of it is the keeper's to decide.
import Configuration
import IO
import TLS

/// What the certificates of a configuration are. Sendable; immutable once made.
package struct CertificateDraft: Sendable {
  /// By the sources of listeners, and of upstreams that show a certificate.
  package private(set) var indexes: [[CertificateSource]: CertificateIndex] = [:]
  /// What is wrong, by the source where it is.
  package private(set) var errors: [(source: CertificateSource, error: CertificateError)] = []
  package private(set) var warnings: [String] = []
  private(set) var reader: CertificateReader
  /// How long it took.
  private(set) var microseconds: Int64 = 0

  /// Of a configuration that asks for none.
  package init() { reader = CertificateReader() }

  /// Reads what is new or has changed since `reader` has looked.
  ///
  /// - Parameters:
  ///   - automatic: those that an authority has sent, or what stands in for them.
  ///   - now: seconds since 1970.
  package init(
    _ wanted: CertificateDemand, reader: CertificateReader = CertificateReader(),
    automatic: [Certificate] = [], now: Int = Process.unixSeconds
  ) {
    let start = Process.monotonicMicroseconds
    self.reader = reader
    self.reader.begin()
    for sources in wanted.lists {
      var certificates: [Certificate] = []
      for source in sources { certificates += read(source, automatic, now) }
      indexes[sources] = CertificateIndex(certificates, now: now)
    }
    self.reader.finish()
    microseconds = Process.monotonicMicroseconds - start
  }

  private mutating func read(
    _ source: CertificateSource, _ automatic: [Certificate], _ now: Int
  ) -> [Certificate] {
    var reading = CertificateReading()
    switch source {
    case .file(let path):
      reading = reader.read(CertificateFiles(certificate: path), now: now)
    case .pair(let certificate, let key):
      reading = reader.read(CertificateFiles(certificate: certificate, key: key), now: now)
    case .folder(let path):
      reading = reader.read(folder: path, now: now)
    case .automatic:
      return automatic
    }
    for error in reading.errors { errors.append((source, error)) }
    warnings += reading.warnings
    return reading.certificates
  }
}

/// Which certificates a configuration asks for.
package struct CertificateDemand: Sendable, Equatable {
  /// Each list is what one listener, or one upstream, chooses from.
  package var lists: Set<[CertificateSource]> = []

  package init() {}

  package init(_ configuration: Configuration) {
    for listener in configuration.listeners {
      if let tls = listener.options.tls, !tls.certificates.isEmpty {
        lists.insert(tls.certificates)
      }
    }
    for upstream in configuration.upstreams {
      if let source = upstream.options.tls.clientCertificate { lists.insert([source]) }
    }
  }
}
