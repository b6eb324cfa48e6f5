// What `proxy`, `respond` and `redirect` give: values that may stand in a route, be kept in a
// variable, or be returned by a function.
import Routing
import Scripting

/// The result of `proxy` and its kin. Immutable.
final class ActionValue: Sendable {
  enum Kind: Sendable, Equatable {
    /// A name of an upstream, or an address.
    case proxy(String)
    case respond(Shared<FixedResponse>)
    case redirect(Shared<Redirect>)
    /// One that was refused when it was made; nothing more is said of it.
    case refused
  }
  let kind: Kind
  /// Where it was made.
  let location: LuaLocation

  init(_ kind: Kind, _ location: LuaLocation) {
    self.kind = kind
    self.location = location
  }
}

/// A function that makes an action, as the language has it: `proxy`, `respond`, `redirect`.
struct ActionMaker: Sendable {
  let name: String
  /// How many arguments are looked at.
  let arguments: Int
  /// Makes the action of the arguments, `arguments` of them.
  /// - Parameter folder: where files are looked for.
  /// - Throws: what is wrong with them.
  let make:
    @Sendable (_ arguments: [LuaValue], _ folder: String) throws(ValueError) ->
      ActionValue.Kind

  static let all = [proxy, respond, redirect]

  static let proxy = ActionMaker(name: "proxy", arguments: 1) {
    arguments, _ throws(ValueError) in
    guard case .string(let target) = arguments[0] else {
      throw .expected("the name of an upstream or an address", arguments[0])
    }
    return .proxy(target)
  }

  static let respond = ActionMaker(name: "respond", arguments: 3) {
    arguments, folder throws(ValueError) in
    .respond(Shared(try FixedResponse(arguments: arguments, folder: folder)))
  }

  static let redirect = ActionMaker(name: "redirect", arguments: 2) {
    arguments, _ throws(ValueError) in .redirect(Shared(try Redirect(arguments: arguments)))
  }
}
