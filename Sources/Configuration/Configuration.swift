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
  /// What each worker's own Lua state is made of; nil when no route is a function.
  package var program: Program?

  package init(
    workers: Int? = nil, listeners: [ListenerConfiguration],
    upstreams: [UpstreamConfiguration], sites: [SiteConfiguration],
    process: ProcessOptions = ProcessOptions(), program: Program? = nil
  ) {
    self.workers = workers
    self.listeners = listeners
    self.upstreams = upstreams
    self.sites = sites
    self.process = process
    self.program = program
  }
}

/// A configuration's source, to be run again by each worker that needs its functions.
package struct Program: Sendable, Equatable {
  /// What messages call it: the path as it was given.
  package var name: String
  package var source: [UInt8]
  /// Where `require` and `include` look.
  package var folder: String
  /// What `include` has read, by what it was asked for: another run reads the same.
  package var included: [String: [IncludedFile]]

  package init(
    name: String, source: [UInt8], folder: String, included: [String: [IncludedFile]] = [:]
  ) {
    self.name = name
    self.source = source
    self.folder = folder
    self.included = included
  }
}

/// A file that `include` has read.
package struct IncludedFile: Sendable, Equatable {
  package var path: String
  package var source: [UInt8]
}

/// One address to accept connections on.
package struct ListenerConfiguration: Sendable, Equatable {
  package var address: ListenAddress
  package var options: ListenerOptions
  package var service: ListenerService
  /// The timeouts of its tunnels; nil where HTTP is spoken.
  package var tunnel: Shared<RouteOptions>?
  /// The line of its `listen` statement; 0 when there is none.
  package var line: Int

  package init(
    address: ListenAddress, options: ListenerOptions = ListenerOptions(),
    service: ListenerService = .http, tunnel: Shared<RouteOptions>? = nil, line: Int = 0
  ) {
    self.address = address
    self.options = options
    self.service = service
    self.tunnel = tunnel
    self.line = line
  }
}

/// Why there is no configuration: every mistake that was found.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One or more messages ready to be shown: `rsp.lua:12: upstream "app": unknown option "x"`.
  package var messages: [String]

  package init(messages: [String]) { self.messages = messages }

  /// The messages, one a line.
  package var description: String { messages.joined(separator: "\n") }
}
