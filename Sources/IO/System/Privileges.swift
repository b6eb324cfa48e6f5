// What the process may do, and giving most of it up: with root's rights it opens its ports, and works
// on as a user who has nothing (docs/decisions/0021).
import CLinux
import Glibc

/// A user of the system and a group, as `name[:group]` says.
package struct UserIdentity: Sendable, Equatable {
  package var name: String
  package var user: UInt32
  package var group: UInt32

  /// - Parameter text: `name` or `name:group`; numbers are as good. Without a group it is the user's.
  /// - Throws: what there is not.
  package init(_ text: String) throws(UserError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    var (user, group): (UInt32, UInt32) = (0, 0)
    // SAFETY: the names are C strings for the length of the calls, which write to the variables.
    guard unsafe clinux_find_user(name, &user, &group) == 0 else { throw .noUser(name) }
    if parts.count > 1 {
      let named = String(parts[1])
      guard unsafe clinux_find_group(named, &group) == 0 else { throw .noGroup(named) }
    }
    self.user = user
    self.group = group
  }
}

/// Why the process does not become another user.
package enum UserError: Error, Sendable, Equatable, CustomStringConvertible {
  case noUser(String)
  case noGroup(String)
  /// Only root may become somebody.
  case notRoot(String)
  case refused(String, SystemError)

  package var description: String {
    switch self {
    case .noUser(let name): "user: there is no user \"\(name)\""
    case .noGroup(let name): "user: there is no group \"\(name)\""
    case .notRoot(let name):
      "user: only root can become \"\(name)\", and rsp was started as another"
    case .refused(let name, let error): "user: cannot become \"\(name)\": \(error)"
    }
  }
}

package enum Privileges {
  /// What the supervisor needs of root's rights after the start: ports below 1024, and certificates and
  /// configurations that only root can read.
  private static var kept: UInt64 {
    UInt64(CLINUX_CAP_NET_BIND_SERVICE) | UInt64(CLINUX_CAP_DAC_READ_SEARCH)
  }

  /// Makes the whole process a user's for good. The calling thread keeps what it needs; all others
  /// lose everything.
  package static func become(_ identity: UserIdentity) throws(UserError) {
    if geteuid() == identity.user, getegid() == identity.group, geteuid() != 0 { return }
    guard geteuid() == 0 else { throw .notRoot(identity.name) }
    // SAFETY: the name is a C string for the length of the call.
    let result = unsafe clinux_become(identity.name, identity.user, identity.group, kept)
    if result != 0 { throw .refused(identity.name, SystemError(code: -result)) }
  }

  /// Gives up what the calling thread may do beyond its user's rights. For root nothing changes: its
  /// threads must be alike until they all become another user.
  package static func renounce() {
    if geteuid() != 0 { _ = clinux_renounce() }
  }

  /// Whether the calling thread has any capability in force.
  package static var hasAny: Bool { clinux_capabilities() != 0 }

  package static func forbidNew() { clinux_forbid_new_privileges() }

  /// Keys in the process's memory are for nobody: no core dumps, no debugger of the same user.
  package static func forbidDumps() { clinux_forbid_dumps() }

  /// Makes a folder that is not there and gives it to a user.
  package static func makeFolder(_ path: String, for identity: UserIdentity, mode: UInt32) {
    // SAFETY: the path is a C string for the length of the calls.
    if unsafe mkdir(path, mode) == 0 { _ = unsafe chown(path, identity.user, identity.group) }
  }

  /// Gives a file to a user.
  package static func give(_ path: String, to identity: UserIdentity) {
    // SAFETY: as above.
    _ = unsafe chown(path, identity.user, identity.group)
  }
}
