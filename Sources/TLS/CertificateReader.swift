// Reading certificates from files. What has been read before and has not changed is taken as it is, so
// that looking again at ten thousand files costs ten thousand calls of stat(2) and no parsing.
import IO

/// What a place gave: certificates, and what is wrong there.
package struct CertificateReading: Sendable {
  package var certificates: [Certificate] = []
  /// What there is no certificate for.
  package var errors: [CertificateError] = []
  /// What does not keep a certificate from being used, ready for the log.
  package var warnings: [String] = []

  package init(
    certificates: [Certificate] = [], errors: [CertificateError] = [], warnings: [String] = []
  ) {
    self.certificates = certificates
    self.errors = errors
    self.warnings = warnings
  }
}

/// Reads certificates and remembers them by their files. Confined to whoever holds it; a value, so that
/// a reload which comes to nothing leaves the old one as it was.
package struct CertificateReader: Sendable {
  /// What files held when they were last looked at.
  private struct Known: Sendable {
    var stamps: [FileStamp?]
    /// The last good one, whatever the files hold now; nil also for what is no server's certificate.
    var certificate: Certificate?
    var error: CertificateError?
    var warnings: [String] = []

    var reading: CertificateReading {
      CertificateReading(
        certificates: certificate.map { [$0] } ?? [], errors: error.map { [$0] } ?? [],
        warnings: warnings)
    }
  }
  private var known: [CertificateFiles: Known] = [:]
  /// What folders held when they were last readable and not empty.
  private var listings: [String: [CertificateFiles]] = [:]
  /// Certificates of authorities by their digest: customers of one authority share its chain.
  private var chains: [[UInt8]: SecretBytes] = [:]
  /// What was asked for since `begin`.
  private var wanted: Set<CertificateFiles> = []
  /// How many times files were parsed because they were new or had changed.
  package private(set) var parsed = 0

  package init() {}

  /// Begins a round: what nobody asks for until `finish` is forgotten.
  package mutating func begin() { wanted = [] }

  package mutating func finish() {
    known = known.filter { wanted.contains($0.key) }
    listings = listings.filter { _, files in files.contains { wanted.contains($0) } }
    // Those of chains that nobody has any more would add up; what is in use stays where it is used.
    if chains.count > known.count + 64 { chains = [:] }
  }

  /// The certificate of a file, or of a pair of them.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: beside an error, the certificate that was there before.
  package mutating func read(_ files: CertificateFiles, now: Int) -> CertificateReading {
    wanted.insert(files)
    let stamps = Self.stamps(files)
    let old = known[files]
    if let old, old.stamps == stamps { return old.reading }
    var new = Known(stamps: stamps)
    parsed += 1
    do throws(CertificateError) {
      new.certificate = try load(files, now, &new.warnings)
    } catch {
      new.error = error
      new.certificate = old?.certificate
    }
    known[files] = new
    return new.reading
  }

  /// The certificates of a folder and of the folders in it.
  ///
  /// - Returns: beside the error that a folder cannot be read, or is empty now, the certificates that
  ///   were there before.
  package mutating func read(folder: String, now: Int) -> CertificateReading {
    var reading = CertificateReading()
    do throws(CertificateError) {
      let pairs = try Self.pairs(in: folder)
      for pair in pairs { reading.append(read(pair, now: now)) }
      if reading.certificates.isEmpty, reading.errors.isEmpty {
        throw CertificateError(path: folder, problem: .emptyFolder)
      }
      listings[folder] = pairs
    } catch {
      for files in listings[folder] ?? [] {
        wanted.insert(files)
        if let old = known[files]?.certificate { reading.certificates.append(old) }
      }
      reading.errors.append(error)
    }
    return reading
  }

  private static func pairs(in folder: String) throws(CertificateError) -> [CertificateFiles] {
    do throws(SystemError) {
      guard try Files.stamp(folder).isFolder else {
        throw SystemError.notAFolder
      }
      let (names, folders) = try entries(folder)
      var pairs = CertificateFiles.pairs(in: folder, names: names)
      for inner in folders {
        let (names, _) = try entries(inner)
        pairs += CertificateFiles.pairs(in: inner, names: names)
      }
      return pairs
    } catch {
      throw CertificateError(
        path: folder, problem: error == .notAFolder ? .notAFolder : .unreadable(error))
    }
  }

  /// The files and the folders of a folder; what begins with a dot is neither.
  private static func entries(
    _ folder: String
  ) throws(SystemError) -> (names: [String], folders: [String]) {
    var (names, folders): ([String], [String]) = ([], [])
    for name in try Files.names(in: folder) where !name.hasPrefix(".") {
      let path = folder + (folder.hasSuffix("/") ? "" : "/") + name
      if name.contains(".") && CertificateFiles.isNamedLikeOne(name) {
        names.append(name)
      } else if let stamp = try? Files.stamp(path), stamp.isFolder {
        folders.append(path)
      }
    }
    return (names, folders)
  }

  // MARK: One certificate

  private static func stamps(_ files: CertificateFiles) -> [FileStamp?] {
    [files.certificate, files.key ?? files.certificate, files.response].map {
      try? Files.stamp($0)
    }
  }

  /// - Returns: nil when the file turns out to be none of a server's certificate.
  private mutating func load(
    _ files: CertificateFiles, _ now: Int, _ warnings: inout [String]
  ) throws(CertificateError) -> Certificate? {
    let pem = try Self.pem(files.certificate)
    var keys = pem
    if let path = files.key { keys = try Self.pem(path) }
    if files.isGuess, pem.isEmpty || Self.isOfAuthority(pem) { return nil }
    func failure(_ problem: CertificateProblem) -> CertificateError {
      let isOfKey =
        switch problem {
        case .noKey, .severalKeys, .encryptedKey, .brokenKey, .mismatch: true
        default: false
        }
      return CertificateError(
        path: isOfKey ? files.key ?? files.certificate : files.certificate, problem: problem)
    }
    if pem.certificates.isEmpty { throw failure(.noCertificate) }
    guard let key = keys.keys.first else {
      throw failure(keys.hasEncryptedKey ? .encryptedKey : .noKey)
    }
    if keys.keys.count > 1 { throw failure(.severalKeys) }
    let response = Self.response(files, &warnings)
    do throws(CertificateProblem) {
      return try Certificate(shared(pem.certificates), key: key, source: files.certificate) {
        x509, issuer in
        response.flatMap { Self.staple($0, x509, issuer, files, now, &warnings) }
      }
    } catch {
      throw failure(error)
    }
  }

  /// The same certificates, those of authorities taken from where they are already.
  private mutating func shared(_ certificates: [SecretBytes]) -> [SecretBytes] {
    var result = certificates
    for place in certificates.indices.dropFirst() {
      let digest = certificates[place].sha256
      result[place] = chains[digest] ?? certificates[place]
      chains[digest] = result[place]
    }
    return result
  }

  /// Whether there is no key, and the certificate is an authority's: it lies here for another use.
  private static func isOfAuthority(_ pem: PEM) -> Bool {
    guard pem.keys.isEmpty, !pem.hasEncryptedKey, let first = pem.certificates.first else {
      return false
    }
    return (try? X509(der: first))?.isAuthority == true
  }

  private static func pem(_ path: String) throws(CertificateError) -> PEM {
    let read: [UInt8]?
    do throws(SystemError) { read = try Files.read(path, limit: CertificateFiles.mostBytes) } catch
    {
      throw CertificateError(path: path, problem: .unreadable(error))
    }
    guard var bytes = consume read else { throw CertificateError(path: path, problem: .tooLarge) }
    defer { bytes.wipe() }
    do throws(OpenSSLError) { return try PEM(bytes) } catch {
      throw CertificateError(path: path, problem: .brokenPEM(error))
    }
  }

  // MARK: OCSP

  private static func response(_ files: CertificateFiles, _ warnings: inout [String]) -> [UInt8]? {
    do throws(SystemError) {
      guard let bytes = try Files.read(files.response, limit: CertificateFiles.mostBytes) else {
        warnings.append("\(files.response) \(CertificateProblem.tooLarge)")
        return nil
      }
      return bytes
    } catch {
      if !error.isNoSuchFile {
        warnings.append("\(files.response) \(CertificateProblem.unreadable(error))")
      }
      return nil
    }
  }

  private static func staple(
    _ response: [UInt8], _ x509: X509, _ issuer: SecretBytes?, _ files: CertificateFiles,
    _ now: Int, _ warnings: inout [String]
  ) -> OCSPStaple? {
    do throws(OCSPProblem) {
      guard let issuer = issuer.flatMap({ try? X509(der: $0) }) else { throw .noIssuer }
      return try OCSPStaple(response, for: x509, issuer: issuer, now: now)
    } catch {
      warnings.append("\(files.response) \(error); it is not sent")
      return nil
    }
  }
}

extension CertificateReading {
  package mutating func append(_ other: CertificateReading) {
    certificates += other.certificates
    errors += other.errors
    warnings += other.warnings
  }
}
