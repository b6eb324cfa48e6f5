// What is kept from one start to the next of what an authority gave us: a readable folder, so that an
// operator can look, copy and delete.
//
//     FOLDER/accounts/HOST.pem        the account's key at the authority of that host
//     FOLDER/certificates/NAME.pem    chain and key of the certificate for a name
import ACME
import IO
import TLS

/// The files of `acme.folder`. A value.
struct StateFolder: Sendable, Equatable {
  let root: PrivateFolder
  var accounts: PrivateFolder { root.folder("accounts") }
  var certificates: PrivateFolder { root.folder("certificates") }

  init(_ path: String) { root = PrivateFolder(path) }

  /// Makes sure that everything can be written.
  func create() throws(SystemError) {
    try root.create(closing: false)
    for folder in [accounts, certificates] { try folder.create() }
  }

  /// Lets a user write everything, before this process becomes that user.
  func give(to identity: UserIdentity) throws(SystemError) {
    try root.give(to: identity, ifClosed: true)
    for folder in [accounts, certificates] { try folder.give(to: identity) }
  }

  // MARK: Certificates

  /// The path of a name's certificate, whether there is one or not.
  func path(ofCertificateFor name: String) -> String {
    certificates.path + "/" + Self.fileName(name)
  }

  /// The certificate of a name that was kept; nil when there is none that can be used.
  func certificate(for name: String) -> Certificate? {
    guard var text = try? certificates.read(Self.fileName(name)) else { return nil }
    defer { text.wipe() }
    guard let pem = try? PEM(text), let key = pem.keys.first,
      let certificate = try? Certificate(
        pem.certificates, key: key, source: path(ofCertificateFor: name)),
      certificate.names.hosts.contains(name)
    else { return nil }
    return certificate
  }

  func write(_ certificate: Certificate, for name: String) throws(SystemError) {
    var text = certificate.pem
    defer { text.wipe() }
    try certificates.write(text, to: Self.fileName(name))
  }

  /// A name of a host holds nothing that a file's name must not; only the longest are too long.
  private static func fileName(_ name: String) -> String {
    let end = ".pem"
    if name.utf8.count + end.utf8.count <= PrivateFolder.longestName { return name + end }
    return "long-" + Base64URL.encode(SHA256.digest(Array(name.utf8))) + end
  }

  // MARK: Accounts

  /// The key of the account at an authority, made at the first time.
  ///
  /// - Throws: `FolderError`, also when there is a file and no key in it: another account would get
  ///   no answer to what this one began.
  func accountKey(at directory: String) throws(FolderError) -> PrivateKey {
    let name = Self.accountName(directory) + ".pem"
    let path = accounts.path + "/" + name
    do {
      if var pem = try accounts.read(name) {
        defer { pem.wipe() }
        return try PrivateKey(pem: pem)
      }
      let key = try PrivateKey.make()
      try accounts.write(try key.pem(), to: name)
      return key
    } catch let error as SystemError {
      throw FolderError(description: "\(path): \(error)")
    } catch {
      throw FolderError(description: "\(path) holds no key that can be used")
    }
  }

  /// `acme-v02.api.letsencrypt.org_directory` of `https://acme-v02.api.letsencrypt.org/directory`.
  private static func accountName(_ directory: String) -> String {
    let bare = directory.hasPrefix("https://") ? directory.dropFirst(8) : directory[...]
    let plain = Set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    return String(bare.lowercased().prefix(200).map { plain.contains($0) ? $0 : "_" })
  }
}

/// Why the state folder is of no use, in words for the log.
struct FolderError: Error, CustomStringConvertible {
  var description: String
}
