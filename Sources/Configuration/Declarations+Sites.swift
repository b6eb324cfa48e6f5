// The site statement: its names, routes and options.
import Routing
import Scripting

extension Declarations {
  func declareSite(_ name: String, _ value: LuaValue, at location: LuaLocation) {
    hasStatements = true
    // Said only where there is something to say: there may be 100,000 sites.
    var subject: String { "site \"\(name)\"" }
    guard case .table(var table) = value else {
      let error = ValueError.expected("{ routes and options }", value)
      return complain("\(subject): \(error.message)", at: location)
    }
    var site = Site(
      location: location, names: names(of: name, at: location), routes: [], options: OptionLayer())
    let hasRoutes = addRoutes(of: table, to: &site, name)
    complainAboutDuplicates(in: site, subject)
    number(&site.routes)
    table.elements = []
    table.fields.removeAll { Self.isRoute($0.name) }
    var own = OptionLayer<SiteOptions>()
    setFields(of: table, in: .site, of: subject, at: location) { name, value throws(ValueError) in
      if try OptionSchema.set(
        name, to: value, in: &site.options, by: OptionSchema.route, .site, folder: folder)
      {
        return true
      }
      return try OptionSchema.set(
        name, to: value, in: &own, by: OptionSchema.site, .site, folder: folder)
    }
    complain(aboutKeys: table, allowElements: true, of: subject, at: location)
    if table["passthrough"]?.isOn == true {
      site.passthrough = own.applied(to: SiteOptions()).passthrough
      passThrough(table, hasRoutes: hasRoutes, site, subject)
    } else if !hasRoutes {
      complain("\(subject): no route (write [\"/\"] = proxy \"NAME\")", at: location)
    }
    sites.append(site)
  }

  /// A site whose TLS connections are passed on undecrypted has nothing to do with requests, except
  /// with those that come without TLS and belong there.
  private func passThrough(
    _ table: LuaTable, hasRoutes: Bool, _ site: Site, _ subject: String
  ) {
    guard let target = site.passthrough else { return }
    noteTarget(target, of: "passthrough", at: site.location)
    if hasRoutes {
      complain(
        "\(subject): passthrough: what is passed through is not decrypted, so no route can stand "
          + "beside it", at: site.location)
    }
    let meaningful = ["passthrough", "redirect_https"] + OptionSchema.tunnelNames
    for (name, _) in table.fields where !meaningful.contains(name) {
      guard OptionSchema.route.contains(where: { $0.name == name }) else { continue }
      complain(
        "\(subject): \(name) has no meaning for what is passed through undecrypted",
        at: site.location)
    }
  }

  private static func isRoute(_ key: String) -> Bool {
    switch key.utf8.first {
    case 0x2f, 0x3d, 0x7e: true  // "/", "=", "~"
    default: false
    }
  }

  // MARK: Names

  /// The names in `a.example www.a.example`, those that are right and new.
  private func names(of text: String, at location: LuaLocation) -> [HostName] {
    var names: [HostName] = []
    // By bytes: characters take longer, and there may be 100,000 sites.
    let words = text.utf8.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a }.map {
      String(Substring($0))
    }
    if words.isEmpty { complain("site \"\(text)\": the name is empty", at: location) }
    for word in words {
      do throws(HostNameError) {
        let name = try HostName(word)
        if let first = siteIndices[name] {
          let isWhole = words.count == 1
          let place =
            Int(first) == sites.count
            ? "stands twice here"
            : isWhole && sites[Int(first)].names == [name]
              ? "is already defined at \(sites[Int(first)].location)"
              : "is already a name of the site at \(sites[Int(first)].location)"
          complain("site \"\(text)\"\(isWhole ? "" : ": \"\(word)\"") \(place)", at: location)
        } else {
          siteIndices[name] = Int32(sites.count)
          names.append(name)
        }
      } catch {
        let which = words.count == 1 ? "" : "\"\(word)\": "
        complain("site \"\(text)\": \(which)\(error)", at: location)
      }
    }
    return names
  }

  // MARK: Routes

  /// Adds the routes to the site, expressions in the order in which they are tried.
  /// - Returns: whether there was any, be it with mistakes.
  private func addRoutes(of table: LuaTable, to site: inout Site, _ name: String) -> Bool {
    var found = false
    for element in table.elements {
      guard case .table(var entry) = element, case .string(let text)? = entry.elements.first else {
        complain(
          "site \"\(name)\": \(element.shown) stands without a path before it "
            + "(write [\"/\"] = ... or { \"/\", ... })", at: site.location)
        found = true
        continue
      }
      entry.elements.removeFirst()
      addRoute(text, .table(entry), to: &site, name)
      found = true
    }
    var keyed = table.fields.filter { Self.isRoute($0.name) }
    // Lua forgets in which order keys were written. The longest text first is the best guess: what
    // is more specific is usually longer.
    if keyed.contains(where: { $0.name.utf8.first == 0x7e }) {
      keyed.sort { left, right in
        let counts = (left.name.utf8.count, right.name.utf8.count)
        return counts.0 == counts.1 ? left.name < right.name : counts.0 > counts.1
      }
    }
    for (text, value) in keyed { addRoute(text, value, to: &site, name) }
    return found || !keyed.isEmpty
  }

  private func addRoute(
    _ text: String, _ value: LuaValue, to site: inout Site, _ name: String
  ) {
    let location = site.location
    var subject: String { "site \"\(name)\": route \"\(text)\"" }
    var pattern: PathPattern?
    do throws(PathPatternError) {
      pattern = try self.pattern(text)
    } catch {
      complain("\(subject): \(error)", at: location)
    }
    var table = LuaTable()
    if case .table(let given) = value { table = given } else { table.elements = [value] }
    var place = location
    var answer: Route.Answer?
    var function: Function?
    switch table.elements.first ?? .nil {
    case .function(let reference):
      function = Function(site: name, route: text, location: location, reference: reference)
    case .other(.function):
      // `["/"] = proxy`, which nobody would notice before the first request.
      complain(
        "\(subject): a function of the language stands here uncalled (write proxy \"NAME\")",
        at: location)
    case .object(let object as ActionValue):
      answer = .action(object)
      // Where it stands in the route itself, and not in a variable from elsewhere.
      if object.location.source == location.source, object.location.line >= location.line {
        place = object.location
      }
    case let other:
      let error = ValueError.expected("an action such as proxy \"NAME\", or a function", other)
      complain("\(subject): \(error.message)", at: location)
    }
    if table.elements.count > 1 {
      complain("\(subject): one action per route, found \(table.elements.count)", at: location)
    }
    let layer = options(table, OptionSchema.route, in: .route, of: subject, at: place)
    if case .expression? = pattern, case .boolean(true)? = table["strip_prefix"] {
      complain("\(subject): strip_prefix: an expression has no prefix of its own", at: place)
    }
    if pattern != nil, let function {
      answer = .function(functions.count)
      functions.append(function)
    }
    guard let pattern, let answer else { return }
    site.routes.append(Route(text: text, pattern: pattern, answer: answer, options: layer))
  }

  private func complainAboutDuplicates(in site: Site, _ subject: @autoclosure () -> String) {
    guard site.routes.count > 1 else { return }
    // The usual handful is compared, many are looked up.
    if site.routes.count <= 8 {
      let isClear = site.routes.indices.allSatisfy { index in
        !site.routes[..<index].contains { $0.pattern == site.routes[index].pattern }
      }
      if isClear { return }
    }
    var known: [String: String] = [:]
    for route in site.routes {
      if let first = known.updateValue(route.text, forKey: route.pattern.description) {
        let same = first == route.text ? "" : ", which is the same as \"\(first)\","
        complain("\(subject()): route \"\(route.text)\"\(same) stands twice", at: site.location)
      }
    }
  }

  /// Gives the functions of a site their numbers, by the routes' texts. They were added last.
  private func number(_ routes: inout [Route]) {
    var found: [(index: Int, function: Function)] = []
    for (index, route) in routes.enumerated() {
      if case .function(let number) = route.answer { found.append((index, functions[number])) }
    }
    guard found.count > 1 else { return }
    found.sort { left, right in
      left.function.route.utf8.lexicographicallyPrecedes(right.function.route.utf8)
    }
    functions.removeLast(found.count)
    for (index, function) in found {
      routes[index].answer = .function(functions.count)
      functions.append(function)
    }
  }
}
