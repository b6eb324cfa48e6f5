"""The proxies that are compared: how each is configured and started.

A name with `-splice` is the same program told to move bodies by splice(2).
"""

import os
from dataclasses import dataclass

from . import processes
from .processes import BenchError

RSP, PEERS, PUMPS = "rsp", ("nginx", "haproxy", "haproxy-splice"), ("pump", "pump-splice")
NAMES = (RSP, *PEERS, *PUMPS)
TITLES = {
    "rsp": "rsp", "nginx": "nginx", "haproxy": "HAProxy", "haproxy-splice": "HAProxy, splice",
    "pump": "pump", "pump-splice": "pump, splice",
}
SPLICING = ("haproxy-splice", "pump-splice")


# How each is told the same way of choosing a server; None where it has no such way. The key of
# `hash` is the request's host, in consistent hashing with bounded load where there is one.
BALANCE = {
    "round_robin": ("round_robin", "", "roundrobin"),
    "random": ("random", "random;", "random(1)"),
    "p2c": ("p2c", "random two least_conn;", "random(2)"),
    "least_connections": ("least_connections", "least_conn;", "leastconn"),
    "least_latency": ("least_latency", None, None),
    "hash": ("hash", "hash $host consistent;",
             "hdr(host)\n  hash-type consistent\n  hash-balance-factor 125"),
}
SITES = 100_000


@dataclass
class Setup:
    """What a proxy is to be told."""
    servers: list  # ports of the backends
    connections: int = 2048  # how many it must be able to hold
    large: bool = False  # whether the bodies are
    answer: int = None  # the size of a whole answer, by which the pump knows its end
    websocket: bool = False
    balance: str = None  # one of BALANCE; None leaves everybody's default
    sites: int = 0  # host names that it knows
    generation: int = None  # what GET /generation answers
    tls: bool = False  # whether clients speak TLS, which ends here
    passthrough: bool = False  # whether they do, and the servers too: it goes by the name


def _if(wanted, text):
    return text() if wanted else ""


class Bench:
    """What every case needs to know: the programs, the folder for files, the user's choices."""

    def __init__(self, folder, source, programs, forwarded):
        self.folder = folder
        self.source = source
        self.programs = programs  # name of a program -> its path
        self.forwarded = forwarded
        self._certificate = None

    @property
    def certificate(self):
        """The paths of a certificate for www.example.com with an ECDSA P-256 key, of that key, and
        of a file that holds both; made once."""
        if self._certificate is None:
            paths = [os.path.join(self.folder, f"tls.{ending}") for ending in ("crt", "key", "pem")]
            certificate, key, both = paths
            processes.call([
                self.programs["openssl"], "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-keyout", key,
                "-out", certificate, "-subj", "/CN=www.example.com",
                "-addext", "subjectAltName=DNS:www.example.com"])
            with open(both, "w", encoding="ascii") as file:
                for path in (certificate, key):
                    with open(path, encoding="ascii") as part:
                        file.write(part.read())
            self._certificate = paths
        return self._certificate

    def start_tls_backend(self, backend_port):
        """Starts a TLS server in front of a backend. Returns (process, port)."""
        port = processes.free_port()
        command = [self.programs["pump"], str(port), str(backend_port), "--tls",
                   *self.certificate[:2]]
        process = processes.start(command, processes.OTHER_CORE)
        processes.wait_ready(process, port, "the TLS backend")
        return process, port

    def start_backend(self, *options, ports=1):
        """Starts a backend on as many ports. Returns (process, ports)."""
        ports = [processes.free_port() for _ in range(ports)]
        command = [self.programs["backend"], *options, *map(str, ports)]
        process = processes.start(command, processes.OTHER_CORE)
        for port in ports:
            processes.wait_ready(process, port, "the backend")
        return process, ports

    def start_proxy(self, name, setup):
        """Starts a proxy on its core. Returns (process, port) when it accepts connections."""
        port = processes.free_port()
        command = self._command(name, port, setup)
        with open(os.path.join(self.folder, f"{name}.log"), "wb") as log:
            process = processes.start(command, processes.PROXY_CORE, log)
        try:
            processes.wait_ready(process, port, TITLES[name])
        except BenchError as error:
            with open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8",
                      errors="replace") as log:
                raise BenchError(f"{error}\n{log.read()[-2000:]}") from None
        return process, port

    def _command(self, name, port, setup):
        program = self.programs[name.removesuffix("-splice")]
        if name in PUMPS:
            command = [program, str(port), str(setup.servers[0])]
            if name in SPLICING:
                command.append("--splice")
            if setup.answer is not None:
                command += ["--answer", str(setup.answer)]
            if setup.tls:
                command += ["--tls", *self.certificate[:2]]
            return command
        configuration = self.configure(name, port, setup)
        if name == "rsp":
            return [program, configuration]
        if name == "nginx":
            return [program, "-p", self.folder, "-e", f"{self.folder}/nginx.log",
                    "-c", configuration]
        master = [] if setup.generation is None else ["-W"]
        return [program, "-db", *master, "-f", configuration]

    def configure(self, name, port, setup):
        """Writes the configuration of a proxy. Returns its path, the same each time."""
        names = {"PORT": port, "CONNECTIONS": setup.connections, "FOLDER": self.folder}
        if name == "rsp":
            return self._configuration("rsp.lua", names | self._rsp_names(setup))
        if name == "nginx":
            return self._configuration("nginx.conf", names | self._nginx_names(setup))
        return self._configuration("haproxy.cfg", names | self._haproxy_names(name, setup))

    def _rsp_names(self, setup):
        sites = ('for number = 0, @COUNT@ - 1 do\n'
                 '  site(("site%06d.example.com"):format(number)) { ["/"] = proxy "backend" }\nend')
        generation = f', ["= /generation"] = respond(200, "{setup.generation}")'
        return {
            "SERVERS": ", ".join(f'"127.0.0.1:{port}"' for port in setup.servers),
            "BALANCE": _if(setup.balance, lambda: f', balance = "{BALANCE[setup.balance][0]}"'
                           + (', hash = "$host"' if setup.balance == "hash" else "")),
            "SITES": _if(setup.sites, lambda: sites.replace("@COUNT@", str(setup.sites))),
            "GENERATION": _if(setup.generation is not None, lambda: generation),
            "TLS": _if(setup.tls, lambda: f', certificates = "{self.certificate[2]}"')
            + _if(setup.passthrough, lambda: ", tls = true"),
            "PASSTHROUGH": _if(setup.passthrough, lambda: (
                'site "www.example.com" { passthrough = "backend" }')),
        }

    def _nginx_names(self, setup):
        forwarded = (
            "proxy_set_header X-Forwarded-For $remote_addr;\n"
            "      proxy_set_header X-Forwarded-Proto $scheme;\n"
            "      proxy_set_header X-Forwarded-Host $http_host;\n"
            "      proxy_set_header X-Real-IP $remote_addr;\n"
            "      proxy_set_header X-Request-ID $request_id;")
        upgrade = "proxy_set_header Upgrade $http_upgrade;\n      proxy_read_timeout 300s;\n      "
        connection = '"upgrade"' if setup.websocket else '""'
        return {
            # Started by root, nginx would give its workers to an account that can't read here.
            "USER": "user root;" if os.geteuid() == 0 else "",
            "FORWARDED": forwarded if self.forwarded else "",
            "SERVERS": "\n    ".join(f"server 127.0.0.1:{port};" for port in setup.servers),
            "BALANCE": _if(setup.balance, lambda: BALANCE[setup.balance][1]),
            "CONNECTION": _if(setup.websocket, lambda: upgrade)
            + f"proxy_set_header Connection {connection};",
            # The hosts of a hosting platform are looked up in one hash, not in a server block each.
            "SITES": _if(setup.sites, lambda: (
                "map_hash_max_size 262144;\n  map_hash_bucket_size 128;\n  map $host $pool {\n"
                f"    default backend;\n    include {self._hosts(setup, '{} backend;')};\n  }}")),
            "POOL": "$pool" if setup.sites else "backend",
            "GENERATION": _if(setup.generation is not None, lambda: (
                f'location = /generation {{ return 200 "{setup.generation}"; }}')),
            "SSL": _if(setup.tls, lambda: " ssl"),
            "CERTIFICATE": _if(setup.tls, lambda: (
                f"ssl_certificate {self.certificate[0]};\n    "
                f"ssl_certificate_key {self.certificate[1]};\n    ssl_protocols TLSv1.2 TLSv1.3;\n    "
                "ssl_session_cache shared:SSL:10m;")),
        }

    def _haproxy_names(self, name, setup):
        splicing = name in SPLICING
        forwarded = (
            "option forwardfor\n  http-request set-header X-Forwarded-Proto http\n"
            "  http-request set-header X-Forwarded-Host %[req.hdr(host)]\n"
            "  http-request set-header X-Real-IP %[src]\n"
            "  http-request set-header X-Request-ID %[uuid()]")
        reloading = setup.generation is not None
        return {
            "SPLICE": _if(splicing, lambda: "option splice-request\n  option splice-response"),
            "BUFFERS": _if(setup.large and not splicing, lambda: "tune.bufsize 65536"),
            "FORWARDED": forwarded if self.forwarded else "",
            "SERVERS": "\n  ".join(f"server s{number} 127.0.0.1:{port}"
                                   for number, port in enumerate(setup.servers)),
            "BALANCE": _if(setup.balance, lambda: f"balance {BALANCE[setup.balance][2]}"),
            "SITES": _if(setup.sites, lambda: (
                f"use_backend %[req.hdr(host),lower,map_str({self._hosts(setup, '{} backend')},"
                "backend)]")),
            # Hitless: the new process gets the listening sockets from the old one.
            "SOCKET": _if(reloading, lambda: (
                f"stats socket {self.folder}/haproxy.sock mode 600 level admin"
                " expose-fd listeners")),
            "GENERATION": _if(reloading, lambda: (
                "http-request return status 200 content-type text/plain string "
                f'"{setup.generation}" if {{ path /generation }}')),
            "SSL": _if(setup.tls, lambda: f" ssl crt {self.certificate[2]}"),
            "MODE": "tcp" if setup.passthrough else "http",
            "HTTP": _if(not setup.passthrough, lambda: (
                "timeout http-keep-alive 300s\n  http-reuse always\n  option http-ignore-probes")),
            "PASSTHROUGH": _if(setup.passthrough, lambda: (
                "tcp-request inspect-delay 5s\n"
                "  tcp-request content accept if { req_ssl_hello_type 1 }\n"
                "  use_backend backend if { req_ssl_sni -i www.example.com }")),
            "DEFAULT": _if(not setup.passthrough, lambda: "default_backend backend"),
        }

    def _hosts(self, setup, form):
        """A file with a line for each host name."""
        path = os.path.join(self.folder, f"hosts{abs(hash(form))}")
        with open(path, "w", encoding="ascii") as file:
            for number in range(setup.sites):
                file.write(form.format(f"site{number:06d}.example.com") + "\n")
        return path

    def _configuration(self, name, names):
        with open(os.path.join(self.source, f"{name}.in"), encoding="utf-8") as template:
            text = template.read()
        for key, value in names.items():
            text = text.replace(f"@{key}@", str(value))
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
