// What each statement declares, given its arguments as plain values; no Lua stack is seen here.
import Scripting

extension Declarations {
  func declareWorkers(_ value: LuaValue, at location: LuaLocation) {
    do throws(ValueError) {
      let count = try wholeNumber(value)
      guard (1...1024).contains(count) else {
        throw ValueError("must be from 1 to 1024, not \(count)")
      }
      if let first = workers?.location {
        throw ValueError("already set at \(first)")
      }
      workers = (count, location)
    } catch {
      complain("workers: \(error.message)", at: location)
    }
  }

  func declareDefaults(_ value: LuaValue, at location: LuaLocation) {
    guard let table = optionTable(value, of: "defaults", at: location) else { return }
    setFields(of: table, in: .defaults, of: "defaults", at: location) {
      name, value throws(ValueError) in
      if try OptionSchema.set(
        name, to: value, in: &defaults.route, by: OptionSchema.route, .defaults, folder: folder)
      {
        return true
      }
      if try OptionSchema.set(
        name, to: value, in: &defaults.listener, by: OptionSchema.listener, .defaults,
        folder: folder)
      {
        return true
      }
      if try OptionSchema.set(
        name, to: value, in: &defaults.upstream, by: OptionSchema.upstream, .defaults,
        folder: folder)
      {
        return true
      }
      return try OptionSchema.set(
        name, to: value, in: &defaults.process, by: OptionSchema.process, .defaults, folder: folder)
    }
  }

  func declareLog(_ value: LuaValue, at location: LuaLocation) {
    guard let table = optionTable(value, of: "log", at: location) else { return }
    for (name, value) in table.fields {
      guard name == "level" else {
        let hint = suggestion(for: name, among: ["level"])
        complain("log: unknown option \"\(name)\"\(hint)", at: location)
        continue
      }
      do {
        _ = try OptionSchema.set(
          "log_level", to: value, in: &defaults.process, by: OptionSchema.process, .defaults,
          folder: folder)
      } catch {
        complain("log: level: \(error.message)", at: location)
      }
    }
  }

  /// `acme { ... }` is `defaults { acme = { ... } }`.
  func declareACME(_ value: LuaValue, at location: LuaLocation) {
    do throws(ValueError) {
      _ = try OptionSchema.set(
        "acme", to: value, in: &defaults.process, by: OptionSchema.process, .defaults,
        folder: folder)
    } catch {
      for message in error.messages { complain("acme: \(message)", at: location) }
    }
  }

  func declareListener(_ value: LuaValue, at location: LuaLocation) {
    hasStatements = true
    var table = LuaTable()
    if case .table(let given) = value { table = given } else { table.elements = [value] }
    guard let first = table.elements.first, let text = addressText(first) else {
      let error = ValueError.expected("an address such as \"8000\"", table.elements.first ?? .nil)
      return complain("listen: \(error.message)", at: location)
    }
    let subject = "listen \"\(text)\""
    if table.elements.count > 1 {
      complain("\(subject): one address per statement, found \(table.elements.count)", at: location)
    }
    var layer = OptionLayer<ListenerOptions>()
    var tunnel = OptionLayer<RouteOptions>()
    setFields(of: table, in: .listener, of: subject, at: location) {
      name, value throws(ValueError) in
      if try OptionSchema.set(
        name, to: value, in: &layer, by: OptionSchema.listener, .listener, folder: folder)
      {
        return true
      }
      return try OptionSchema.set(
        name, to: value, in: &tunnel, by: OptionSchema.route, .listener, folder: folder)
    }
    complain(aboutKeys: table, allowElements: true, of: subject, at: location)
    complainAboutService(of: table, layer, subject, at: location)
    do {
      let address = try ListenAddress(text)
      if let first = listeners.first(where: { $0.address == address }) {
        complain("\(subject): already listening there since \(first.location)", at: location)
      }
      listeners.append(
        Listener(location: location, address: address, options: layer, tunnel: tunnel))
    } catch {
      complain("\(subject): the address \(error.description)", at: location)
    }
  }

  // MARK: Parts

  /// The table of a statement that takes options only.
  private func optionTable(
    _ value: LuaValue, of subject: String, at location: LuaLocation
  ) -> LuaTable? {
    guard case .table(let table) = value else {
      complain("\(subject): \(ValueError.expected("{ options }", value).message)", at: location)
      return nil
    }
    complain(aboutKeys: table, allowElements: false, of: subject, at: location)
    return table
  }

  /// Checks the fields of a table as options of one level.
  func options<Options>(
    _ table: LuaTable, _ rules: [OptionRule<Options>], in context: OptionContext,
    of subject: @autoclosure () -> String, at location: LuaLocation
  ) -> OptionLayer<Options> {
    var layer = OptionLayer<Options>()
    setFields(of: table, in: context, of: subject(), at: location) {
      name, value throws(ValueError) in
      try OptionSchema.set(name, to: value, in: &layer, by: rules, context, folder: folder)
    }
    complain(aboutKeys: table, allowElements: true, of: subject(), at: location)
    return layer
  }

  /// Gives each field to `set`, which says whether it knows the name, and complains where it must.
  func setFields(
    of table: LuaTable, in context: OptionContext, of subject: @autoclosure () -> String,
    at location: LuaLocation,
    set: (String, LuaValue) throws(ValueError) -> Bool
  ) {
    for (name, value) in table.fields {
      do throws(ValueError) {
        guard try !set(name, value) else { continue }
        let complaint = OptionSchema.complaint(about: name, in: context)
        complain("\(subject()): \(complaint)", at: location)
      } catch {
        for message in error.messages {
          complain("\(subject()): \(name): \(message)", at: location)
        }
      }
    }
  }

  /// Complains about keys that are no names, and about elements where only options may stand.
  func complain(
    aboutKeys table: LuaTable, allowElements: Bool, of subject: @autoclosure () -> String,
    at location: LuaLocation
  ) {
    for key in table.otherKeys { complain("\(subject()): unexpected key \(key)", at: location) }
    if !allowElements, let element = table.elements.first {
      complain("\(subject()): \(element.shown) stands without a name before it", at: location)
    }
  }

  /// An address may be written as a number when it is only a port.
  private func addressText(_ value: LuaValue) -> String? {
    switch value {
    case .string(let text): text
    case .number(let number): Int(exactly: number).map { String($0) }
    default: nil
    }
  }
}
