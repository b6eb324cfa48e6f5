"""Servers given by a name follow its DNS: all its addresses, its moves, and its failures."""

import collections
import http.server
import threading

import pytest

from harness.dns import DNSServer
from harness.messages import request
from harness.ports import free_port
from harness.waiting import wait_until

# An answer counts for 5 seconds at least, so what changes in the DNS takes as long to be noticed.
SECONDS = 30


@pytest.fixture
def dns(peers):
    server = DNSServer()
    peers.callback(server.stop)
    return server


class NamedServer:
    """A web server on any address of this machine; answers with its name and keeps no connection."""

    def __init__(self, name, host, port):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.host, self.port = host, self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def named(peers):
    """named(name, host, port) -> a NamedServer on that address."""

    def start(name, host="127.0.0.1", port=0):
        server = NamedServer(name, host, port)
        peers.callback(server.stop)
        return server

    return start


@pytest.fixture
def front(rsp, dns):
    """front("app.test:80", ...) -> a Proxy that asks the test's DNS server."""

    def start(*servers, workers=2):
        port = free_port()
        quoted = ", ".join(f'"{server}"' for server in servers)
        text = f"""
            workers({workers})
            defaults {{ resolver = "{dns.address}", connect_timeout = "2s" }}
            listen "127.0.0.1:{port}"
            upstream "app" {{ {quoted}, balance = "round_robin" }}
            site "*" {{ ["/"] = proxy "app" }}
        """
        return rsp(text=text, port=port)

    return start


def ask(proxy):
    """The name of the server that answers, or the status of rsp's own answer."""
    answer = proxy.exchange(request())
    return answer.body.decode() if answer.status == 200 else answer.status


def wait_for(proxy, *names):
    """Waits until each of these answers in a row of requests, and nobody else."""
    wait_until(
        lambda: {ask(proxy) for _ in range(4 * len(names))} == set(names), f"{names}", SECONDS
    )


def test_all_addresses_of_a_name_are_servers(front, dns, named):
    one = named("one", "127.0.0.2")
    named("two", "127.0.0.3", one.port)
    dns.set("app.test", "127.0.0.2", "127.0.0.3", ttl=60)
    wait_for(front(f"app.test:{one.port}"), "one", "two")


def test_a_server_that_moves_in_the_dns_is_followed(front, dns, named):
    old = named("old", "127.0.0.2")
    named("new", "127.0.0.3", old.port)
    dns.set("app.test", "127.0.0.2")
    proxy = front(f"app.test:{old.port}")
    wait_for(proxy, "old")
    dns.set("app.test", "127.0.0.3")
    wait_for(proxy, "new")
    assert proxy.logged(r"app\.test is at 127\.0\.0\.3")


def test_an_address_that_is_added_is_a_server(front, dns, named):
    one = named("one", "127.0.0.2")
    named("two", "127.0.0.3", one.port)
    dns.set("app.test", "127.0.0.2")
    proxy = front(f"app.test:{one.port}")
    wait_for(proxy, "one")
    dns.set("app.test", "127.0.0.2", "127.0.0.3")
    wait_for(proxy, "one", "two")


@pytest.mark.parametrize("trouble", ["fail", "be_silent", "remove", "no addresses"])
def test_the_last_good_answer_is_kept(front, dns, named, trouble):
    server = named("app", "127.0.0.2")
    dns.set("app.test", "127.0.0.2")
    proxy = front(f"app.test:{server.port}")
    wait_for(proxy, "app")
    if trouble == "remove":
        dns.remove("app.test")
    elif trouble == "no addresses":
        dns.set("app.test")
    else:
        getattr(dns, trouble)()
    proxy.wait_for_log("cannot resolve app.test: .*; its last addresses go on", SECONDS)
    for _ in range(10):
        assert ask(proxy) == "app"
    # And what comes after the trouble counts again.
    named("elsewhere", "127.0.0.3", server.port)
    dns.recover()
    dns.set("app.test", "127.0.0.3")
    wait_for(proxy, "elsewhere")


@pytest.mark.parametrize("trouble", ["fail", "be_silent", "recover"])
def test_a_name_that_does_not_resolve_does_not_keep_rsp_from_starting(
    front, dns, named, trouble
):
    server = named("app", "127.0.0.2")
    getattr(dns, trouble)()
    proxy = front(f"app.test:{server.port}")
    assert proxy.exchange(request()).status in (502, 503, 504)
    dns.recover()
    dns.set("app.test", "127.0.0.2")
    wait_for(proxy, "app")


def test_a_name_without_an_answer_does_no_harm_to_another(front, dns, named):
    server = named("app", "127.0.0.2")
    dns.be_silent_about("silent.test")
    dns.set("app.test", "127.0.0.2")
    proxy = front(f"app.test:{server.port}", f"silent.test:{server.port}")
    wait_for(proxy, "app")
    proxy.wait_for_log("cannot resolve silent.test: ", SECONDS)
    assert ask(proxy) == "app"


def test_a_name_stands_beside_numeric_servers(front, dns, named):
    one, two = named("one", "127.0.0.2"), named("two", "127.0.0.3")
    dns.set("app.test", "127.0.0.2")
    wait_for(front(f"app.test:{one.port}", f"127.0.0.3:{two.port}"), "one", "two")


def test_a_numeric_server_serves_while_a_name_is_unknown(front, named):
    server = named("app", "127.0.0.3")
    wait_for(front("unknown.test:80", f"127.0.0.3:{server.port}"), "app")


def test_srv_records_give_ports_and_weights(front, dns, named):
    heavy, light = named("heavy", "127.0.0.2"), named("light", "127.0.0.2")
    dns.set("node.test", "127.0.0.2")
    services = [(1, 3, heavy.port, "node.test"), (1, 1, light.port, "node.test")]
    dns.set("_http._tcp.app.test", services=services)
    proxy = front("srv:_http._tcp.app.test", workers=1)
    wait_for(proxy, "heavy", "light")
    counts = collections.Counter(ask(proxy) for _ in range(40))
    assert counts == {"heavy": 30, "light": 10}


def test_what_srv_prefers_less_is_a_backup(front, dns, named):
    first, second = named("first", "127.0.0.2"), named("second", "127.0.0.2")
    dns.set("node.test", "127.0.0.2")
    services = [(10, 1, first.port, "node.test"), (20, 1, second.port, "node.test")]
    dns.set("_http._tcp.app.test", services=services)
    proxy = front("srv:_http._tcp.app.test")
    wait_for(proxy, "first")
    first.stop()
    wait_for(proxy, "second")
    # Where the service is, and whom it prefers, may change at any time.
    dns.set("_http._tcp.app.test", services=[(10, 1, second.port, "node.test")])
    wait_for(proxy, "second")


def test_the_dns_is_asked_once_for_all_workers(front, dns, named):
    server = named("app", "127.0.0.2")
    dns.set("app.test", "127.0.0.2", ttl=300)
    proxy = front(f"app.test:{server.port}", workers=4)
    wait_for(proxy, "app")
    for _ in range(20):
        assert ask(proxy) == "app"
    # A and AAAA.
    assert dns.count("app.test") == 2
