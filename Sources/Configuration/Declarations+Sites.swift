// The site statement: its names, routes and options.
import Routing
import Scripting

extension Declarations {
  func declareSite(_ name: String, _ value: LuaValue, at location: LuaLocation) {
    hasStatements = true
    let subject = "site \"\(name)\""
    let names = (try? HostName(name)).map { [$0] } ?? []
    if let first = sites.first(where: { $0.names == names }) {
      complain("\(subject) is already defined at \(first.location)", at: location)
    }
    if name != "*" {
      complain("\(subject): only the site \"*\" is supported in this version", at: location)
    }
    guard case .table(let table) = value else {
      let error = ValueError.expected("{ routes and options }", value)
      return complain("\(subject): \(error.message)", at: location)
    }
    var settings = LuaTable()
    settings.otherKeys = table.otherKeys
    var routes: [Route] = []
    for (key, value) in table.fields {
      guard let first = key.first, "/=~".contains(first) else {
        settings.fields.append((key, value))
        continue
      }
      let route = "\(subject): route \"\(key)\""
      if key != "/" {
        complain("\(route): only the path \"/\" is supported in this version", at: location)
      } else if let declared = self.route(value, of: route, at: location) {
        routes.append(declared)
      }
    }
    if let element = table.elements.first {
      let what = element.shown
      complain(
        "\(subject): \(what) stands without a path before it (write [\"/\"] = ...)", at: location)
    } else if !table.fields.contains(where: { "/=~".contains($0.name.first ?? " ") }) {
      complain("\(subject): no route (write [\"/\"] = proxy \"NAME\")", at: location)
    }
    let layer = options(settings, OptionSchema.route, in: .site, of: subject, at: location)
    sites.append(Site(location: location, names: names, routes: routes, options: layer))
  }

  private func route(
    _ value: LuaValue, of subject: String, at location: LuaLocation
  ) -> Route? {
    var table = LuaTable()
    if case .table(let given) = value { table = given } else { table.elements = [value] }
    let first = table.elements.first ?? .nil
    if case .function = first {
      complain("\(subject): functions are not supported in this version", at: location)
      return nil
    }
    guard case .object(let object) = first, let action = object as? ActionValue else {
      let error = ValueError.expected("an action such as proxy \"NAME\"", first)
      complain("\(subject): \(error.message)", at: location)
      return nil
    }
    if table.elements.count > 1 {
      complain("\(subject): one action per route, found \(table.elements.count)", at: location)
    }
    let layer = options(
      table, OptionSchema.route, in: .route, of: subject, at: action.location)
    return Route(pattern: .prefix([0x2f]), action: action, options: layer)
  }
}
