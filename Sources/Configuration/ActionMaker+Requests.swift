// Actions that a function makes while it decides a request: as those of the configuration, but made
// of what a client may have sent.
import Scripting

extension ActionMaker {
  /// Makes an action while a request is decided: a mistake is an error there and then.
  func makeInRequest(
    _ stack: borrowing LuaStack, _ declarations: Declarations
  ) throws(LuaError) -> ActionValue {
    var values: [LuaValue] = []
    for index in 1...arguments {
      values.append(index <= stack.count ? try stack.value(at: index) : .nil)
    }
    do throws(ValueError) {
      let kind = try make(try literal(values), declarations.folder)
      if case .proxy(let target) = kind {
        // Those that the configuration knows are found before this is called.
        let hint =
          target.contains(":") ? "address stands in the configuration" : "upstream has this name"
        throw ValueError("\"\(target)\": no such \(hint)")
      }
      return ActionValue(kind, LuaLocation(source: declarations.source, line: 0))
    } catch {
      throw LuaError("\(name): \(error.message)")
    }
  }

  /// The arguments with their variables taken for plain text, since a function can put a client's
  /// bytes into them: `redirect("https://x" .. request.path)` must not send `$hostname` in a path
  /// back as this machine's name.
  private func literal(_ values: [LuaValue]) throws(ValueError) -> [LuaValue] {
    switch name {
    case "redirect": return values.map(\.literal)
    case "respond":
      var values = values
      if case .table(let table) = values[0] {
        guard table["file"] == nil else {
          throw ValueError("a file is read with the configuration: make the answer outside")
        }
        values[0] = .table(table.mapFields { $0.isTable ? $0.literal : $0 })
      }
      if values[2].isTable { values[2] = values[2].literal }
      return values
    default: return values
    }
  }
}

extension LuaValue {
  fileprivate var isTable: Bool {
    if case .table = self { true } else { false }
  }

  /// The value with `$$` for each `$` in its strings.
  fileprivate var literal: LuaValue {
    switch self {
    case .string(let text) where text.utf8.contains(0x24):
      .string(text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"))
    case .table(let table): .table(table.mapFields(\.literal))
    default: self
    }
  }
}

extension LuaTable {
  fileprivate func mapFields(_ change: (LuaValue) -> LuaValue) -> LuaTable {
    var table = self
    table.fields = fields.map { ($0.name, change($0.value)) }
    table.elements = elements.map(change)
    return table
  }
}
