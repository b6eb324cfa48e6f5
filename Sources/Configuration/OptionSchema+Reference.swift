// The schema as text for people: the option reference in docs/configuration.md and the stub by
// which editors with the Lua language server complete and check a configuration. Both are committed,
// and a test compares them with what is made here.

import Routing

extension OptionSchema {
  /// The entries of all options, in Markdown.
  package static var markdown: String {
    levels.map { level in
      "### \(level.title)\n" + level.options.map { "\n" + entry($0) }.joined()
    }.joined(separator: "\n")
  }

  /// The variables of values, in Markdown.
  package static var variablesMarkdown: String {
    let rows =
      TemplateVariable.names.map { "| `$\($0.name)` | \($0.meaning) |" }
      + TemplateVariable.families.map { "| `$\($0.name)NAME` | \($0.meaning) |" }
      + ["| `$1` to `$9` | a group of the route's expression |"]
    return "| variable | is |\n| --- | --- |\n" + rows.map { $0 + "\n" }.joined()
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
      "---@class \(level.name)\n" + level.options.map(field).joined()
    }
    return """
      ---@meta
      -- The configuration language of rsp, for editors with the Lua language server. Made from the
      -- table of options in Sources/Configuration/OptionSchema.swift; do not edit.

      \(classes.joined(separator: "\n"))
      ---@class rsp.Defaults: rsp.RouteOptions, rsp.ListenerOptions, rsp.UpstreamOptions, rsp.ProcessOptions

      ---Fields of a head that are changed: removed, then set, then added.
      ---@class rsp.FieldChanges
      ---@field set? table<string, string|string[]>
      ---@field add? table<string, string|string[]>
      ---@field remove? string|string[]

      ---A certificate with its chain, and its key, as PEM files.
      ---@class rsp.CertificateFiles
      ---@field cert string
      ---@field key string

      ---Who may say by a PROXY header who the client is.
      ---@class rsp.ProxyProtocol
      ---@field from string|string[]

      ---Strict-Transport-Security.
      ---@class rsp.Hsts
      ---@field max_age? string|number
      ---@field include_subdomains? boolean
      ---@field preload? boolean

      ---What is done with a request.
      ---@class rsp.Action

      ---What a function that is a route is told of a request; read only.
      ---@class rsp.Request
      ---@field method string
      ---@field scheme string
      ---@field host string
      ---@field path string
      ---@field query string
      ---@field headers table<string, string>
      ---@field cookies table<string, string>
      ---@field client_address string
      ---@field tls_server_name? string

      ---@alias rsp.Function fun(request: rsp.Request): rsp.Action

      ---@class rsp.Route: rsp.RouteOptions
      ---@field [1] rsp.Action|rsp.Function

      ---@class rsp.ListedRoute: rsp.RouteOptions
      ---@field [1] string
      ---@field [2] rsp.Action|rsp.Function

      ---@class rsp.Site: rsp.RouteOptions, rsp.SiteOptions
      ---@field [integer] rsp.ListedRoute
      ---@field ["/"] rsp.Action|rsp.Function|rsp.Route
      ---@field [string] rsp.Action|rsp.Function|rsp.Route

      ---@class rsp.Listener: rsp.ListenerOptions
      ---@field [1] string|integer The address.

      ---@class rsp.ListedServer: rsp.Server
      ---@field [1] string The address.

      ---@class rsp.Upstream: rsp.UpstreamOptions
      ---@field [integer] string|rsp.ListedServer

      ---@class rsp.Response
      ---@field status? integer
      ---@field body? string
      ---@field file? string
      ---@field content_type? string
      ---@field headers? table<string, string|string[]>

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

      ---How certificates are got from an authority.
      ---@param options rsp.Acme
      function acme(options) end

      ---Accepts connections on an address: "8000", "127.0.0.1:8000", "[::1]:8000", "unix:/run/rsp.sock".
      ---@param listener string|integer|rsp.Listener
      function listen(listener) end

      ---Defines a named group of servers.
      ---@param name string
      ---@return fun(upstream: rsp.Upstream)
      function upstream(name) end

      ---Defines what is done with the requests for hosts: "a.example www.a.example", "*.b.example", "*".
      ---@param names string
      ---@return fun(site: rsp.Site)
      function site(names) end

      ---Runs another file, or those that a pattern means: "sites/*.lua".
      ---@param path string
      function include(path) end

      ---Sends requests to an upstream, or to the server at an address.
      ---@param target string
      ---@return rsp.Action
      function proxy(target) end

      ---Answers by itself.
      ---@param status integer|rsp.Response
      ---@param body? string
      ---@param content_type_or_headers? string|table<string, string|string[]>
      ---@return rsp.Action
      function respond(status, body, content_type_or_headers) end

      ---Sends the client elsewhere, by 302 unless another status is given.
      ---@param url string
      ---@param status? 301|302|303|307|308
      ---@return rsp.Action
      function redirect(url, status) end

      """
  }

  private static func field(_ option: OptionReference) -> String {
    "---\(option.summary) Default: \(option.builtIn).\n"
      + "---@field \(option.name)? \(option.annotation)\n"
  }
}
