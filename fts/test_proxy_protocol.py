"""The PROXY protocol: read from those who may send it, and told to servers that expect it."""

import shutil
import socket

import pytest

from harness import tls_peers
from harness.client import RawClient
from harness.messages import request, response
from harness.ports import free_port
from harness.server import always
from harness.tls_peers import NAME, TLSServer, ask, client_hello, read_proxy_header, values
from harness.waiting import wait_until

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + b"\xdc\x04\x01\xbb"
BINARY = SIGNATURE + b"\x21\x11\0\x0c" + ADDRESSES
IPV6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"
OK = response(b"ok")


def text(port, server, listener='proxy_protocol = { from = "127.0.0.0/8" },', upstream=""):
    return f"""
workers(1)
listen {{ "127.0.0.1:{port}", {listener} }}
upstream "app" {{ "{getattr(server, "address", server)}", {upstream} }}
site "*" {{ ["/"] = proxy "app" }}
"""


@pytest.fixture
def behind(rsp):
    def start(server, **options):
        port = free_port()
        return rsp(text=text(port, server, **options), port=port)

    return start


# From proxies in front


@pytest.mark.parametrize(
    "header, address",
    [(LINE, b"192.0.2.7"), (BINARY, b"192.0.2.7"), (IPV6, b"2001:db8::7")],
)
def test_the_header_says_who_the_client_is(behind, serve, header, address):
    server = serve(always(OK))
    proxy = behind(server)
    with RawClient(proxy.port) as client:
        client.send(header + request("GET", "/"))
        assert client.read_response().status == 200
        assert server.requests[0].get(b"X-Forwarded-For") == address
        assert server.requests[0].get(b"X-Real-IP") == address


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n"])
def test_a_proxys_own_connection_keeps_the_sockets_address(behind, serve, header):
    server = serve(always(OK))
    proxy = behind(server)
    with RawClient(proxy.port) as client:
        client.send(header + request("GET", "/"))
        assert client.read_response().status == 200
        assert server.requests[0].get(b"X-Forwarded-For") == b"127.0.0.1"


def test_the_header_may_come_in_pieces(behind, serve):
    server = serve(always(OK))
    proxy = behind(server)
    for header in (LINE, BINARY):
        with RawClient(proxy.port) as client:
            client.send_in_pieces(header + request("GET", "/"))
            assert client.read_response().status == 200
    assert [r.get(b"X-Real-IP") for r in server.requests] == [b"192.0.2.7"] * 2


def test_the_address_stays_while_the_connection_is_idle(behind, serve):
    server = serve(always(OK))
    proxy = behind(server)
    with RawClient(proxy.port) as client:
        client.send(LINE)
        assert client.is_silent_for(0.3)  # parked after 0.1
        for _ in range(2):
            assert client.exchange(request("GET", "/")).status == 200
            assert client.is_silent_for(0.3)
        # Others that are parked beside it have their own.
        with RawClient(proxy.port) as other:
            other.send(IPV6)
            assert other.is_silent_for(0.3)
            assert other.exchange(request("GET", "/")).status == 200
    assert [r.get(b"X-Real-IP") for r in server.requests] == [b"192.0.2.7"] * 2 + [b"2001:db8::7"]


@pytest.mark.parametrize(
    "start",
    [
        request("GET", "/"),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n" + request("GET", "/"),
        b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n" + request("GET", "/"),
        SIGNATURE + b"\x21\x11\0\x0b" + ADDRESSES[:11] + request("GET", "/"),
        SIGNATURE + b"\x21\x11\x10\x01" + request("GET", "/"),
        SIGNATURE + b"\x21\x11\0\x13" + ADDRESSES + b"\3\0\4\0\0\0\0" + request("GET", "/"),
    ],
    ids=["missing", "malformed", "oversized", "short", "oversized2", "checksum"],
)
def test_without_a_proper_header_the_connection_closes(behind, serve, start):
    server = serve(always(OK))
    proxy = behind(server)
    with RawClient(proxy.port) as client:
        client.send(start)
        assert client.read_to_cut() == b""
    assert server.requests == [] and proxy.is_running


def test_a_header_later_than_three_seconds_is_not_waited_for(behind, serve):
    proxy = behind(serve(always(OK)))
    with RawClient(proxy.port) as client:
        client.send(LINE[:10])
        assert client.wait_closed() == "eof"


def test_others_may_not_send_one(behind, serve):
    server = serve(always(OK))
    proxy = behind(server, listener='proxy_protocol = { from = "10.0.0.0/8" },')
    for header in (LINE, b""):
        with RawClient(proxy.port) as client:
            client.send_as_far_as_possible(header + request("GET", "/"))
            assert client.read_to_cut() == b""
    assert server.requests == []


@pytest.mark.parametrize("header", [LINE, BINARY, b"PROXY UNKNOWN\r\n"])
def test_where_none_is_expected_it_is_a_bad_request(behind, serve, header):
    server = serve(always(OK))
    proxy = behind(server, listener="")
    with RawClient(proxy.port) as client:
        client.send(header + request("GET", "/"))
        assert client.read_response().status == 400
    assert server.requests == []


def test_the_address_of_the_header_may_be_a_trusted_proxys(behind, serve):
    server = serve(always(OK))
    proxy = behind(
        server,
        listener='proxy_protocol = { from = "127.0.0.0/8" }, trusted = "192.0.2.0/24",',
    )
    with RawClient(proxy.port) as client:
        client.send(LINE + request("GET", "/", "X-Forwarded-For: 203.0.113.9"))
        assert client.read_response().status == 200
    assert server.requests[0].get(b"X-Forwarded-For") == b"203.0.113.9, 192.0.2.7"
    assert server.requests[0].get(b"X-Real-IP") == b"203.0.113.9"


# To servers


def after_header(*answers):
    """A script: takes a PROXY header, kept in `headers` of its server, then serves HTTP."""

    def script(connection):
        connection.server.headers.append(read_proxy_header(connection.socket))
        always(*answers)(connection)

    return script


@pytest.fixture
def expecting(serve):
    def start():
        server = serve(after_header(OK))
        server.headers = []
        return server

    return start


def own(client):
    return client.socket.getsockname()[1]


@pytest.mark.parametrize("version", [1, 2])
def test_servers_are_told_the_clients_address(behind, expecting, version):
    server = expecting()
    proxy = behind(server, listener="", upstream=f"proxy_protocol = {version}")
    with RawClient(proxy.port) as client:
        assert client.exchange(request("GET", "/")).status == 200
        port = own(client)
        # The same client's next request goes over the same connection.
        assert client.exchange(request("GET", "/")).status == 200
    if version == 1:
        assert server.headers == [b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (port, proxy.port)]
    else:
        ports = port.to_bytes(2, "big") + proxy.port.to_bytes(2, "big")
        assert server.headers == [SIGNATURE + b"\x21\x11\0\x0c" + b"\x7f\0\0\1" * 2 + ports]


def test_no_client_is_told_of_on_anothers_connection(behind, expecting):
    server = expecting()
    proxy = behind(server, upstream="proxy_protocol = 1")
    for address in (b"192.0.2.7", b"192.0.2.8", b"192.0.2.7"):
        with RawClient(proxy.port) as client:
            client.send(LINE.replace(b"192.0.2.7", address))
            for _ in range(2):
                assert client.exchange(request("GET", "/")).status == 200
    told = [header.split(b" ")[2] for header in server.headers]
    # The third has the same address, port and all, as the first, whose connection it may use.
    assert told == [b"192.0.2.7", b"192.0.2.8"]
    assert [c.received.count(b"X-Real-IP: " + a) for c, a in zip(server.connections, told)] == [4, 2]


def test_a_client_that_trusted_proxies_name_is_told(behind, expecting):
    server = expecting()
    proxy = behind(
        server, listener='trusted = "127.0.0.1",', upstream="proxy_protocol = 1, max_idle = 4"
    )
    with RawClient(proxy.port) as client:
        for address in ("203.0.113.9", "203.0.113.10", "203.0.113.9"):
            fields = f"X-Forwarded-For: {address}"
            assert client.exchange(request("GET", "/", fields)).status == 200
    told = [header.split(b" ")[2:5:2] for header in server.headers]
    assert told == [[b"203.0.113.9", b"0"], [b"203.0.113.10", b"0"]]


def test_nginx_takes_the_address(behind, nginx):
    proxy = behind(nginx.behind_proxies, upstream="proxy_protocol = 2")
    with RawClient(proxy.port) as client:
        client.send(LINE + request("GET", "/"))
        assert client.read_response().body == b"192.0.2.7 56324"


@pytest.mark.parametrize("version", [1, 2])
def test_checks_speak_for_no_client(behind, serve, version):
    server = serve(after_header(OK))
    server.headers = []
    check = f'proxy_protocol = {version}, health_check = {{ path = "/up", interval = "100ms" }}'
    behind(server, listener="", upstream=check)
    wait_until(lambda: len(server.requests) > 1, "two checks")
    assert set(server.headers) == {[b"PROXY UNKNOWN\r\n", LOCAL][version - 1]}


def test_a_reload_that_asks_for_a_header_uses_no_older_connection(rsp, serve):
    server = serve(always(OK))
    port = free_port()
    proxy = rsp(text=text(port, server, listener=""), port=port)
    assert proxy.exchange(request("GET", "/")).status == 200
    server.headers = []
    server.script = after_header(OK)
    proxy.file.write_text(text(port, server, listener="", upstream="proxy_protocol = 1"))
    proxy.reload()
    assert proxy.exchange(request("GET", "/")).status == 200
    assert len(server.headers) == 1


# To servers that connections are passed on to


@pytest.mark.parametrize("version", [1, 2])
def test_passed_through_connections_begin_with_a_header(rsp, tmp_path, peers, version):
    server = TLSServer(tls_peers.make_certificate(tmp_path, NAME), reads_header=True)
    peers.callback(server.stop)
    port = free_port()
    rsp(
        text=f"""
listen {{ "127.0.0.1:{port}", tls = true, proxy_protocol = {{ from = "127.0.0.1" }} }}
upstream "app" {{ "{server.address}", proxy_protocol = {version} }}
site "{NAME}" {{ passthrough = "app" }}
""",
        port=port,
    )
    with tls_peers.connect(port, alpn=["h2", "http/1.1"], before=LINE) as stream:
        assert ask(stream) == b"hello: hi\n"
    if version == 1:
        assert server.headers == [LINE]
    else:
        told = values(server.headers[0])
        assert server.headers[0][16:28] == ADDRESSES
        assert told == {1: b"\x02h2\x08http/1.1", 2: NAME.encode()}


def test_servers_that_speak_tls_get_the_header_before_it_with_what_the_clients_tls_was(
    rsp, tmp_path, peers
):
    certificate = tls_peers.make_certificate(tmp_path, NAME)
    server = TLSServer(certificate, reads_header=True)
    peers.callback(server.stop)
    port = free_port()
    rsp(
        text=f"""
listen {{ "127.0.0.1:{port}", certificates = "{certificate}" }}
upstream "app" {{ "https://{server.address}", ca = "{certificate}", proxy_protocol = 2 }}
site "{NAME}" {{ ["/"] = proxy "app" }}
""",
        port=port,
    )
    with tls_peers.connect(port, certificate=certificate, alpn=["http/1.1"]) as stream:
        stream.sendall(request("GET", "/", host=NAME))
        assert stream.recv(65536).startswith(b"HTTP/1.1 200 ")
        source = stream.getsockname()[1].to_bytes(2, "big") + port.to_bytes(2, "big")
        version, cipher = stream.version().encode(), stream.cipher()[0].encode()
    (header,) = server.headers
    assert header[16:28] == b"\x7f\0\0\1" * 2 + source
    told = values(header)
    # Over TLS, and without a certificate of the client: flag 1 alone, and a result other than 0.
    assert told.keys() == {1, 2, 0x20} and told[2] == NAME.encode()
    assert told[1] == b"http/1.1" and told[0x20][0] == 1 and told[0x20][1:5] != b"\0\0\0\0"
    assert b"\x21\0" + bytes([len(version)]) + version in told[0x20]
    assert b"\x23\0" + bytes([len(cipher)]) + cipher in told[0x20]
    assert server.names == [NAME]


def test_plain_services_begin_with_a_header(rsp, serve):
    def script(connection):
        connection.send(read_proxy_header(connection.socket))

    port = free_port()
    rsp(
        text=f"""
listen {{ "127.0.0.1:{port}", tcp = "app" }}
upstream "app" {{ "{serve(script).address}", proxy_protocol = 1 }}
""",
        port=port,
    )
    with RawClient(port) as client:
        # The server speaks as soon as it has the header: nothing of the client is waited for.
        expected = b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (own(client), port)
        assert client.read_to_end() == expected


def test_a_balancer_in_front_keeps_clients_apart_by_hash(rsp, serve):
    servers = [serve(lambda c, n=n: c.send(b"%d" % n)) for n in range(4)]
    port = free_port()
    listed = ", ".join(f'"{server.address}"' for server in servers)
    proxy = rsp(
        text=f"""
listen {{ "127.0.0.1:{port}", tcp = "app", proxy_protocol = {{ from = "127.0.0.1" }} }}
upstream "app" {{ {listed}, balance = "hash" }}
""",
        port=port,
    )

    def is_idle():
        servers = proxy.ask({"command": "status"})["upstreams"][0]["servers"]
        return not any(server["in_flight"] for server in servers)

    def server_of(address):
        # A server that has more connections than others is passed over by some.
        wait_until(is_idle, "the connection before to be over")
        with RawClient(port) as client:
            client.send(LINE.replace(b"192.0.2.7", address))
            return client.read_exactly(1)

    addresses = [b"192.0.2.%d" % number for number in range(1, 30)]
    chosen = [server_of(address) for address in addresses]
    assert len(set(chosen)) > 1
    assert chosen == [server_of(address) for address in addresses]


@pytest.mark.skipif(not shutil.which("haproxy", path="/usr/sbin:/usr/bin"), reason="no haproxy")
def test_haproxy_in_front_and_behind(rsp, serve, tmp_path, peers):
    import subprocess

    server = serve(always(OK))
    front, middle, back = free_port(), free_port(), free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(
        f"""
global
  maxconn 100
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen front
  mode tcp
  bind 127.0.0.1:{front}
  server rsp 127.0.0.1:{middle} send-proxy-v2
listen back
  bind 127.0.0.1:{back} accept-proxy
  server app {server.address}
"""
    )
    process = subprocess.Popen(
        [shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "-db", "-f", file],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peers.callback(process.wait)
    peers.callback(process.terminate)
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", front)) == 0, "haproxy to listen")
    rsp(
        text=f"""
listen {{ "127.0.0.1:{middle}", proxy_protocol = {{ from = "127.0.0.1" }} }}
upstream "app" {{ "127.0.0.1:{back}", proxy_protocol = 2 }}
site "*" {{ ["/"] = proxy "app", forwarded_fields = false }}
""",
        port=middle,
    )
    socket_ = socket.create_connection(("127.0.0.1", front), source_address=("127.0.0.3", 0))
    with socket_:
        socket_.sendall(request("GET", "/"))
        assert b" 200 " in socket_.recv(65536)
    assert server.requests[0].get(b"X-Forwarded-For") == b"127.0.0.3"
