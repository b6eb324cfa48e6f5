// What a configuration says, as one immutable value: the only thing of this module that the rest of
// the proxy sees. How it is read from Lua is in ConfigurationLoader.

/// A whole configuration, checked and with every option resolved. Immutable once published.
package struct Configuration: Sendable, Equatable {
  /// How many worker threads to run; nil for one per available core.
  package var workers: Int?
  /// At least one.
  package var listeners: [ListenerConfiguration]
  package var upstreams: [UpstreamConfiguration]
  package var sites: [SiteConfiguration]
  package var process: ProcessOptions

  package init(
    workers: Int? = nil, listeners: [ListenerConfiguration],
    upstreams: [UpstreamConfiguration], sites: [SiteConfiguration],
    process: ProcessOptions = ProcessOptions()
  ) {
    self.workers = workers
    self.listeners = listeners
    self.upstreams = upstreams
    self.sites = sites
    self.process = process
  }
}

/// One address to accept connections on.
package struct ListenerConfiguration: Sendable, Equatable {
  package var address: ListenAddress
  package var options: ListenerOptions
  /// The line of its `listen` statement; 0 when there is none.
  package var line: Int

  package init(
    address: ListenAddress, options: ListenerOptions = ListenerOptions(), line: Int = 0
  ) {
    self.address = address
    self.options = options
    self.line = line
  }
}

/// A named group of servers.
package struct UpstreamConfiguration: Sendable, Equatable {
  /// The name given by `upstream`, or the address given to `proxy`.
  package var name: String
  /// At least one; in this version exactly one.
  package var servers: [ServerConfiguration]
  package var options: UpstreamOptions

  package init(
    name: String, servers: [ServerConfiguration], options: UpstreamOptions = UpstreamOptions()
  ) {
    self.name = name
    self.servers = servers
    self.options = options
  }
}

/// A member of an upstream.
package struct ServerConfiguration: Sendable, Equatable {
  package var address: ServerAddress

  package init(address: ServerAddress) { self.address = address }
}

/// A virtual host: the names it answers to and what it does with a request.
package struct SiteConfiguration: Sendable, Equatable {
  /// Lower-case host names; `*` matches every host.
  package var names: [String]
  package var routes: [RouteConfiguration]

  package init(names: [String], routes: [RouteConfiguration]) {
    self.names = names
    self.routes = routes
  }
}

/// Which requests of a site are answered how.
package struct RouteConfiguration: Sendable, Equatable {
  package var pattern: RoutePattern
  package var action: Action
  package var options: RouteOptions

  package init(pattern: RoutePattern, action: Action, options: RouteOptions = RouteOptions()) {
    self.pattern = pattern
    self.action = action
    self.options = options
  }
}

/// Which paths a route is for.
package enum RoutePattern: Sendable, Hashable {
  /// Every path that starts with this; the longest prefix wins.
  case prefix(String)
}

/// What is done with a request.
package enum Action: Sendable, Equatable {
  /// It is sent to a server of the upstream at this index of `Configuration.upstreams`.
  case proxy(upstream: Int)
}

/// Why there is no configuration: every mistake that was found.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One or more messages ready to be shown: `rsp.lua:12: upstream "app": unknown option "x"`.
  package var messages: [String]

  package init(messages: [String]) { self.messages = messages }

  /// The messages, one a line.
  package var description: String { messages.joined(separator: "\n") }
}
