---@meta
-- The configuration language of rsp, for editors with the Lua language server. Made from the
-- table of options in Sources/Configuration/OptionSchema.swift; do not edit.

---@class rsp.RouteOptions
---How long a connection to a server may take to be made. Default: "3s".
---@field connect_timeout? string|number
---How long a server may take, after the request, until the head of its response. Default: "60s".
---@field response_timeout? string|number
---The longest pause between two reads of a response body; event streams and tunnels are exempt. Default: "60s".
---@field read_timeout? string|number
---How long a client or a server may take no byte of what is being sent to it. Default: "60s".
---@field write_timeout? string|number
---The longest pause between two reads of a request body. Default: "30s".
---@field body_timeout? string|number
---A request body slower than this on average is cut, after its first 10 seconds; 0 allows any. Default: 240.
---@field min_body_rate? string|number
---How long a tunnel (WebSocket) may be silent in both directions. Default: "1h".
---@field tunnel_timeout? string|number
---The largest request body; above it the answer is 413. Default: "unlimited".
---@field max_body? string|number
---How much of a response may wait for a slow client until its server is paused; 0 passes every piece on before the next is read. Default: "256k".
---@field buffering? string|number
---How often a failed request may be tried again, where that is safe. Default: 2.
---@field retries? integer
---The Host a server gets: the client's, the server's own address as it is written here, or a fixed one. Default: "client".
---@field host? string
---Adds a Via field to requests and responses, as `rsp` or under a pseudonym. Default: false.
---@field via? boolean|string
---Sets the Forwarded field of RFC 7239. Default: false.
---@field forwarded? boolean
---Sets X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and X-Real-IP. Default: true.
---@field forwarded_fields? boolean
---Sets X-Request-ID. Default: true.
---@field request_id? boolean
---Forwards request fields with `_` or `.` in their names, which are dropped otherwise. Default: false.
---@field underscores_in_fields? boolean

---@class rsp.ListenerOptions
---How long a client may take for a whole request head; then the answer is 408. Default: "10s".
---@field head_timeout? string|number
---How long a connection may wait for its next request. Default: "75s".
---@field keepalive_timeout? string|number
---How many requests a connection may make; 1 turns keep-alive off. Default: 10000.
---@field keepalive_requests? integer
---How old a connection may become; it ends after the request that is running then. Default: "1h".
---@field keepalive_time? string|number
---The largest request head; above it the answer is 431. Default: "32k".
---@field max_head? string|number
---The longest request line (above it 414) and field line (431); never more than max_head. Default: "8k".
---@field max_line? string|number
---The most fields in a request head; above it the answer is 431. Default: 100.
---@field max_fields? integer
---How many new connections the kernel holds until they are accepted; it may have a lower limit of its own (net.core.somaxconn). Default: 4096.
---@field backlog? integer

---@class rsp.UpstreamOptions
---How many idle connections are kept per server and worker; 0 keeps none. Default: 64.
---@field max_idle? integer
---How long an idle connection to a server is kept; it should be shorter than the server's own. Default: "30s".
---@field idle_timeout? string|number

---@class rsp.ProcessOptions
---How long running requests may take to finish when rsp is told to stop. Default: "30s".
---@field drain_timeout? string|number
---From which level on lines are logged; `log { level = ... }` sets the same. Default: "info".
---@field log_level? "debug"|"info"|"warning"|"error"
---How many client connections may be open; "unlimited" leaves it to the limit of descriptors, less a reserve for servers. Default: "unlimited".
---@field max_connections? integer|string

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
