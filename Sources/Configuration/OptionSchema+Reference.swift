// The schema as text for people: the option reference in docs/configuration.md and the stub by
// which editors with the Lua language server complete and check a configuration. Both are committed,
// and a test compares them with what is made here.

extension OptionSchema {
  /// The entries of all options, in Markdown.
  package static var markdown: String {
    levels.map { level in
      "### \(level.title)\n" + level.options.map { "\n" + entry($0) }.joined()
    }.joined(separator: "\n")
  }

  private static func entry(_ option: OptionReference) -> String {
    let contexts = option.contexts.map(\.rawValue).joined(separator: ", ")
    return """
      #### `\(option.name)`
      \(option.summary)

      | syntax | default | context | unit | since | example |
      | --- | --- | --- | --- | --- | --- |
      | \(option.syntax) | `\(option.builtIn)` | \(contexts) | \(option.unit) | \(option.since) \
      | `\(option.name) = \(option.example)` |

      """
  }

  /// LuaLS annotations of the configuration language.
  package static var editorStub: String {
    let classes = levels.map { level in
      "---@class rsp.\(level.name)Options\n" + level.options.map(field).joined()
    }
    return """
      ---@meta
      -- The configuration language of rsp, for editors with the Lua language server. Made from the
      -- table of options in Sources/Configuration/OptionSchema.swift; do not edit.

      \(classes.joined(separator: "\n"))
      ---@class rsp.Defaults: rsp.RouteOptions, rsp.ListenerOptions, rsp.UpstreamOptions, rsp.ProcessOptions

      ---What is done with a request.
      ---@class rsp.Action

      ---@class rsp.Route: rsp.RouteOptions
      ---@field [1] rsp.Action

      ---@class rsp.Site: rsp.RouteOptions
      ---@field ["/"] rsp.Action|rsp.Route

      ---@class rsp.Listener: rsp.ListenerOptions
      ---@field [1] string|integer The address.

      ---@class rsp.Upstream: rsp.UpstreamOptions
      ---@field [1] string The address of a server.

      ---@class rsp.Log
      ---@field level? "debug"|"info"|"warning"|"error"

      ---How many worker threads run. Default: one per available core.
      ---@param count integer
      function workers(count) end

      ---What holds where nothing more specific is said.
      ---@param options rsp.Defaults
      function defaults(options) end

      ---What is logged.
      ---@param options rsp.Log
      function log(options) end

      ---Accepts connections on an address: "8000", "127.0.0.1:8000", "[::1]:8000", "unix:/run/rsp.sock".
      ---@param listener string|integer|rsp.Listener
      function listen(listener) end

      ---Defines a named group of servers.
      ---@param name string
      ---@return fun(upstream: rsp.Upstream)
      function upstream(name) end

      ---Defines what is done with the requests for a host; "*" is every host.
      ---@param name string
      ---@return fun(site: rsp.Site)
      function site(name) end

      ---Sends requests to an upstream, or to the server at an address.
      ---@param target string
      ---@return rsp.Action
      function proxy(target) end

      """
  }

  private static func field(_ option: OptionReference) -> String {
    "---\(option.summary) Default: \(option.builtIn).\n"
      + "---@field \(option.name)? \(option.annotation)\n"
  }
}
