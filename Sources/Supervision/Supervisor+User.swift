// The user that the process becomes at its start, when everything that needs root is open: see
// docs/decisions/0021 for what is kept, and by whom.
import Configuration
import IO
import Telemetry

extension Supervisor {
  /// Becomes the user that the configuration names. Once, between opening what is listened on and
  /// serving the first connection.
  func becomeUser(_ new: Configuration) throws(ReloadError) {
    // A program of the same user could read keys out of our memory, and a core dump holds them.
    if new.process.user != nil || !certificates.isUnused { Privileges.forbidDumps() }
    guard let name = new.process.user else { return }
    do throws(UserError) {
      let identity = try UserIdentity(name)
      if identity.user == 0 { return }
      if Process.userID == 0 { makeFolders(new, for: identity) }
      // What it opens afterwards, it opens as that user.
      if inheritance.predecessor == nil { bindControlSocket(new, for: identity) }
      Privileges.forbidNew()
      try Privileges.become(identity)
      Log.info("Running as \(identity.name).")
    } catch {
      throw ReloadError(messages: [error.description])
    }
  }

  /// Folders that the user is to write to, unless they are there.
  private func makeFolders(_ new: Configuration, for identity: UserIdentity) {
    // What is in it already may be root's.
    if !new.automaticNames.isEmpty {
      try? StateFolder(new.process.acme.folder).give(to: identity)
    }
    if let path = controlPath(of: new), let slash = path.lastIndex(of: "/"), slash > path.startIndex
    {
      Privileges.makeFolder(String(path[..<slash]), for: identity, mode: 0o755)
    }
  }

  private func bindControlSocket(_ new: Configuration, for identity: UserIdentity) {
    guard let path = controlPath(of: new), let number = openControlSocket(at: path) else { return }
    Privileges.give(path, to: identity)
    boundControl = (path, number)
  }
}
