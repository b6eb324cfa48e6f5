// Virtual hosts, their routes, and what is done with a request. There may be 100,000 sites, so what
// many of them have in common is kept once.
import Routing

/// A virtual host: the names it answers to and what it does with a request.
package struct SiteConfiguration: Sendable, Equatable {
  package var names: [HostName]
  /// Regular expressions stand in their order; the order of the others means nothing.
  package var routes: [RouteConfiguration]
  /// The upstream (an index of `Configuration.upstreams`) that TLS connections for these names are
  /// tunnelled to undecrypted; nil where they are terminated.
  package var passthrough: Int?
  /// The timeouts of those tunnels; nil where there are none.
  package var tunnel: Shared<RouteOptions>?
  /// The line of its `site` statement; 0 when there is none.
  package var line: Int32

  package init(
    names: [HostName], routes: [RouteConfiguration], passthrough: Int? = nil,
    tunnel: Shared<RouteOptions>? = nil, line: Int32 = 0
  ) {
    self.names = names
    self.routes = routes
    self.passthrough = passthrough
    self.tunnel = tunnel
    self.line = line
  }
}

/// Which requests of a site are answered how.
package struct RouteConfiguration: Sendable, Equatable {
  package var pattern: PathPattern
  package var action: Action
  /// Shared by all routes that say nothing of their own.
  package var settings: Shared<RouteOptions>

  package init(pattern: PathPattern, action: Action, settings: Shared<RouteOptions>) {
    self.pattern = pattern
    self.action = action
    self.settings = settings
  }

  package init(pattern: PathPattern, action: Action, options: RouteOptions = RouteOptions()) {
    self.init(pattern: pattern, action: action, settings: Shared(options))
  }

  package var options: RouteOptions { settings.value }
}

/// A value that many hold and none changes.
package final class Shared<Value: Sendable & Equatable>: Sendable, Equatable {
  package let value: Value

  package init(_ value: Value) { self.value = value }

  package static func == (left: Shared, right: Shared) -> Bool {
    left === right || left.value == right.value
  }
}

/// What is done with a request.
package enum Action: Sendable, Equatable {
  /// It is sent to a server of the upstream at this index of `Configuration.upstreams`.
  case proxy(upstream: Int)
  case respond(Shared<FixedResponse>)
  case redirect(Shared<Redirect>)
  /// The Lua function of this number says what, request by request. Numbers are given in the order
  /// of sites, and within a site in the order of the routes' texts.
  case function(Int)
}

/// An answer that rsp gives by itself.
package struct FixedResponse: Sendable, Equatable {
  package var status: Int
  package var body: [UInt8]
  package var contentType: String
  /// Further fields, as they are sent.
  package var fields: [(name: String, value: FieldTemplate)]

  package init(
    status: Int, body: [UInt8] = [], contentType: String = "text/plain; charset=utf-8",
    fields: [(name: String, value: FieldTemplate)] = []
  ) {
    self.status = status
    self.body = body
    self.contentType = contentType
    self.fields = fields
  }

  package static func == (left: FixedResponse, right: FixedResponse) -> Bool {
    left.status == right.status && left.body == right.body
      && left.contentType == right.contentType
      && left.fields.elementsEqual(right.fields) { $0.name == $1.name && $0.value == $1.value }
  }
}

/// An answer that sends the client elsewhere.
package struct Redirect: Sendable, Equatable {
  /// 301, 302, 303, 307 or 308.
  package var status: Int
  /// The Location, with variables.
  package var location: FieldTemplate

  package init(status: Int = 302, location: FieldTemplate) {
    self.status = status
    self.location = location
  }
}

/// What is done to the fields of a head, in this order: removed, set, added.
package struct FieldChanges: Sendable, Equatable {
  package struct Field: Sendable, Equatable {
    package var name: String
    package var value: FieldTemplate

    package init(name: String, value: FieldTemplate) {
      self.name = name
      self.value = value
    }
  }
  /// Names in small letters.
  package var remove: [String] = []
  /// In place of what came under these names. A value that is empty sends no such field.
  package var set: [Field] = []
  /// Beside what came.
  package var add: [Field] = []

  package init() {}

  package var isEmpty: Bool { remove.isEmpty && set.isEmpty && add.isEmpty }
}
