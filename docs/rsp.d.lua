---@meta
-- The configuration language of rsp, for editors with the Lua language server. Made from the
-- table of options in Sources/Configuration/OptionSchema.swift; do not edit.

---@class rsp.RouteOptions
---How long a connection to a server may take to be made; on a listener, where `tcp` stands beside it. Default: "3s".
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
---How long a tunnel (WebSocket, passed through, `tcp`) may be silent in both directions; on a listener, where `tcp` stands beside it. Default: "1h".
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
---Takes a prefix off the path on its way to the server: the route's own path, or the one given. Default: false.
---@field strip_prefix? boolean|string
---Fields of the request that are removed, set in place of what came, or added beside it. Values may hold [variables](#variables). Default: {}.
---@field request_headers? rsp.FieldChanges
---The same for fields of the response. Default: {}.
---@field response_headers? rsp.FieldChanges
---What is answered in place of rsp's own error answers: a file, read when the configuration is, or `respond(...)`. Errors that a server sends are passed on as they are. Default: {}.
---@field error_pages? table<integer|string, string|rsp.Action>
---How many Lua instructions a function may execute for one request; then the answer is 500. Default: 1000000.
---@field lua_budget? integer
---Answers requests that came without TLS by 308, to the same URL with https. What a trusted proxy says in X-Forwarded-Proto counts. Default: false.
---@field redirect_https? boolean
---Tells browsers to use https alone (Strict-Transport-Security, RFC 6797), in answers over TLS to which the server has not said so itself: for a year, or for the time given. Default: false.
---@field hsts? boolean|string|number|rsp.Hsts

---@class rsp.SiteOptions
---TLS connections for the site's names are passed on to a server of an upstream, or to an address, as they are: the server has the certificate, and rsp sees nothing but the name. Default: false.
---@field passthrough? false|string

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
---The proxies in front of rsp: what they say about the client in X-Forwarded-For and its kin is believed, and what others say is not. Default: {}.
---@field trusted? string|string[]
---Speaks TLS, with the certificates that are found there: every PEM file of a folder, single files, certificate and key in two files, or `"auto"` for those that an authority gives for the names of the sites ([acme](#acme)). The client's SNI chooses. Default: false.
---@field certificates? false|string|rsp.CertificateFiles|(string|rsp.CertificateFiles)[]
---Speaks TLS. Needed only where there are no certificates, because every site is [passed through](#passthrough). Default: false.
---@field tls? boolean
---Asks clients for a certificate of one of the authorities in this file. Default: false.
---@field client_ca? false|string
---Whether a client must show a certificate, or may; one that it shows has to be good in the first case, and requests say so in the second. Default: "required".
---@field client_verify? "required"|"optional"
---The lowest version of TLS that is spoken with clients. Default: "1.2".
---@field tls_min? "1.2"|"1.3"
---The ciphers of TLS 1.2, in the words of OpenSSL, in place of the built-in list of modern ones. Default: false.
---@field ciphers? false|string
---How long a TLS handshake with a client may take, its first message included. Default: "10s".
---@field handshake_timeout? string|number
---Every connection begins with a PROXY header, version 1 or 2, which says who the client is. It is believed from these peers; others are not served. Default: false.
---@field proxy_protocol? false|rsp.ProxyProtocol
---Passes the bytes of each connection on to a server of an upstream, or to an address, whatever they mean: no HTTP is read. Default: false.
---@field tcp? false|string

---@class rsp.UpstreamOptions
---How many idle connections are kept per server and worker; 0 keeps none. Default: 64.
---@field max_idle? integer
---How long an idle connection to a server is kept; it should be shorter than the server's own. Default: "30s".
---@field idle_timeout? string|number
---How many requests each server of the upstream gets at a time, over all workers; a server may say otherwise for itself. What is too much waits in the queue. (In `defaults` the name is that of another option, of the process.) Default: "unlimited".
---@field max_connections? integer|string
---How many requests may wait, over all workers, while every server has max_connections; beyond, the answer is 503 with Retry-After. Default: 1024.
---@field queue? integer
---How long a request may wait for a server; then the answer is 503 with Retry-After. Default: "10s".
---@field queue_timeout? string|number
---Whether the certificates of servers with `https://` are verified. Default: true.
---@field verify? boolean
---The authorities that they are verified against, in place of the system's. Default: false.
---@field ca? false|string
---The name that is sent to them in SNI and has to be in their certificates, in place of the Host that they get. Default: false.
---@field server_name? false|string
---What is shown to those that ask for a certificate. Default: false.
---@field client_certificate? false|string|rsp.CertificateFiles
---Connections to the servers begin with a PROXY header of this version, which tells them the client's address; version 2 also tells what TLS with the client is about. Default: false.
---@field proxy_protocol? false|1|2
---How a server is chosen; [balancing.md](balancing.md) tells which way is for what. Default: "p2c".
---@field balance? "round_robin"|"random"|"p2c"|"least_connections"|"least_latency"|"hash"|"sticky"
---What `balance = "hash"` hashes: requests with the same value go to the same server. Default: "$remote_addr".
---@field hash? string
---Brings a client back to its server by a cookie, which is signed and names no address. The same as `balance = "sticky"`, with its [options](#options-of-sticky). Default: false.
---@field sticky? boolean|rsp.Sticky
---Asks every server for its health, with these [options](#options-of-health_check). Default: false.
---@field health_check? boolean|rsp.HealthCheck
---As many connect failures, resets or timeouts in a row put a server out; 0 puts none out. Default: 3.
---@field max_failures? integer
---How long a server is out for failures at first; each further time it is twice as long. Default: "10s".
---@field eject_time? string|number
---The longest that a server is out for failures at a time. Default: "5m".
---@field max_eject_time? string|number
---Also puts a server out when too many of its answers are errors, with these [options](#options-of-circuit_breaker). Default: false.
---@field circuit_breaker? boolean|rsp.CircuitBreaker
---A server that comes back gets its share step by step over this time; 0 gives it at once. Default: "0s".
---@field slow_start? string|number

---@class rsp.Server
---Its share of the requests beside the others' weights. Default: 1.
---@field weight? integer
---Whether it serves only when all others are out. Default: false.
---@field backup? boolean
---How many requests it gets at a time, over all workers; without it, what the upstream's max_connections says. Default: "unlimited".
---@field max_connections? integer|string

---@class rsp.Sticky
---The cookie's name. Default: "rsp_server".
---@field cookie? string
---What cookies are signed with: the first signs, all are accepted. Without one it is a key of the process, made at its start, which survives reloads; several machines need the same secret. Default: {}.
---@field secret? string|string[]
---How long a browser keeps the cookie; "session" until it is closed. Default: "session".
---@field max_age? string|number
---Whether the cookie is sent over TLS only. Default: false.
---@field secure? boolean

---@class rsp.HealthCheck
---Whether a request is sent, or a connection that is accepted is enough. Default: "http".
---@field type? "http"|"tcp"
---The path that is asked for. Default: "/".
---@field path? string
---The method of the request. Default: "GET".
---@field method? string
---The Host that is sent: the server's address, or a fixed one. Default: "server".
---@field host? string
---The statuses of a good answer: `200`, `"2xx"`, `"200-204"`. Default: { "2xx", "3xx" }.
---@field status? integer|string|(integer|string)[]
---What is to be found in the first 64 KiB of a good answer's body. Default: false.
---@field body? false|string
---The time between two checks of a server, give or take a tenth. Default: "5s".
---@field interval? string|number
---How long a check may take; then it has failed. Default: "2s".
---@field timeout? string|number
---As many checks passed in a row bring a server in. Default: 2.
---@field rise? integer
---As many checks failed in a row put a server out. Default: 3.
---@field fall? integer
---The port that is asked, if it is not the server's own. Default: "server".
---@field port? integer|string

---@class rsp.CircuitBreaker
---The share of errors, in percent, at which a server is put out: failures and 5xx answers alike. Default: 50.
---@field errors? integer
---The time that is looked back on. Default: "10s".
---@field window? string|number
---With fewer requests in that time nothing is concluded. Default: 20.
---@field requests? integer

---@class rsp.ProcessOptions
---How long running requests may take to finish when rsp is told to stop. Default: "30s".
---@field drain_timeout? string|number
---From which level on lines are logged; `log { level = ... }` sets the same. Default: "info".
---@field log_level? "debug"|"info"|"warning"|"error"
---How many client connections may be open; "unlimited" leaves it to the limit of descriptors, less a reserve for servers. Default: "unlimited".
---@field max_connections? integer|string
---The Unix socket by which `rsp status`, `rsp reload` and the like talk to the process: at its usual place, at another, or none. Default: true.
---@field control? boolean|string
---The DNS servers that are asked for the addresses of servers given by a name; without it, those of /etc/resolv.conf. Default: false.
---@field resolver? false|string|string[]
---The user, and after a colon the group, that rsp becomes when it was started by root and everything is open. Default: false.
---@field user? false|string
---How certificates are got for `certificates = "auto"`, with these [options](#options-of-acme); `acme { ... }` sets the same. Default: {}.
---@field acme? rsp.Acme

---@class rsp.Acme
---Where the authority writes to when something is wrong. Default: false.
---@field email? false|string
---The authority: the URL of its directory. Default: "https://acme-v02.api.letsencrypt.org/directory".
---@field directory? string
---What the authority's own certificate is verified against, in place of the system's authorities. Default: false.
---@field ca? false|string
---How it is proved that names are ours: in a TLS handshake on port 443, or by a file on port 80. Default: { "tls-alpn-01", "http-01" }.
---@field challenges? string|string[]
---Where the account, the keys and the certificates are kept, for the owner alone to read. Default: "/var/lib/rsp".
---@field folder? string

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
