"""TLS passed through by its name: undecrypted, whatever client it is, however its hello is cut."""

import shutil
import subprocess
import threading

import pytest

from harness import tls_peers
from harness.client import RawClient
from harness.ports import free_port, refusing_port
from harness.tls_peers import NAME, TLSServer, ask, client_hello, cut_into_records
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return tls_peers.make_certificate(tmp_path_factory.mktemp("certificate"), NAME)


@pytest.fixture
def tls_server(peers, certificate):
    def start(**options):
        server = TLSServer(certificate, **options)
        peers.callback(server.stop)
        return server

    return start


def text(port, servers, site=NAME, listener="", upstream="", rest=""):
    listed = ", ".join(f'"{getattr(server, "address", server)}"' for server in servers)
    return f"""
workers(1)
listen {{ "127.0.0.1:{port}", tls = true, {listener} }}
upstream "secure" {{ {listed}, {upstream} }}
site "{site}" {{ passthrough = "secure" }}
{rest}
"""


@pytest.fixture
def passing(rsp):
    def start(*servers, **options):
        port = free_port()
        return rsp(text=text(port, servers, **options), port=port)

    return start


def alert(client):
    """The alert that ends a connection."""
    data = client.read_to_end()
    assert data[:6] == b"\x15\x03\x03\x00\x02\x02", data
    return data[6]


def test_the_servers_own_certificate_reaches_the_client(passing, tls_server, certificate):
    server = tls_server()
    proxy = passing(server)
    with tls_peers.connect(proxy.port, certificate=certificate) as stream:
        assert ask(stream) == b"hello: hi\n"
        assert ask(stream, b"again\n") == b"hello: again\n"
    assert server.names == [NAME]


@pytest.mark.parametrize("name", ["a.example.org", "b.c.example.org", "EXAMPLE.org"])
def test_wildcards_and_other_spellings_are_passed_through(passing, tls_server, name):
    proxy = passing(tls_server(), site="example.org *.example.org")
    with tls_peers.connect(proxy.port, name) as stream:
        assert ask(stream) == b"hello: hi\n"


def test_of_several_names_each_goes_to_its_own_server(rsp, tls_server):
    one, two = tls_server(answer="one"), tls_server(answer="two")
    port = free_port()
    rest = f'site "two.example.org" {{ passthrough = "{two.address}" }}'
    rsp(text=text(port, [one], rest=rest), port=port)
    for name, answer in [(NAME, b"one"), ("two.example.org", b"two")]:
        with tls_peers.connect(port, name) as stream:
            assert ask(stream) == answer + b": hi\n"


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_hello_may_come_in_any_pieces(passing, serve, size):
    server = serve(lambda connection: connection.read_to_end())
    proxy = passing(server)
    hello = client_hello()
    for data in (hello, cut_into_records(hello, size)):
        with RawClient(proxy.port) as client:
            client.send_in_pieces(data, size)
            client.half_close()
            client.wait_closed()
    wait_until(lambda: len(server.connections) == 2, "two connections")
    assert server.connections[0].received == hello
    assert server.connections[1].received == cut_into_records(hello, size)


def test_a_hello_of_40_kib_is_passed_on(passing, serve):
    server = serve(lambda connection: connection.read_to_end())
    proxy = passing(server)
    message = bytearray(client_hello()[5:])
    # Another extension, of a type that nobody knows: three lengths grow with it.
    padding = b"\xfe\x00" + (40_000).to_bytes(2, "big") + bytes(40_000)
    extensions = 4 + 34 + 1 + message[38]
    extensions += 2 + int.from_bytes(message[extensions : extensions + 2], "big")
    extensions += 1 + message[extensions]
    for at, size in [(1, 3), (extensions, 2)]:
        length = int.from_bytes(message[at : at + size], "big") + len(padding)
        message[at : at + size] = length.to_bytes(size, "big")
    large = cut_into_records(bytes(5) + bytes(message) + padding, 16384)
    with RawClient(proxy.port) as client:
        client.send(large)
        client.half_close()
        client.wait_closed()
    assert server.connections[0].received == large


def test_real_clients_are_passed_through(passing, tls_server):
    proxy = passing(tls_server(), site="*.example.org")
    url = f"https://{NAME}:{proxy.port}/"
    if shutil.which("curl"):
        command = ["curl", "-sk", "--max-time", "20", "--resolve", f"{NAME}:{proxy.port}:127.0.0.1"]
        assert b"hello: GET" in subprocess.run([*command, url], capture_output=True).stdout
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}", "-servername", NAME]
    for extra in ([], ["-tls1_2"], ["-alpn", "http/1.1"]):
        result = _s_client([*command, *extra])
        assert b"hello: hi" in result


def _s_client(command):
    """The first line that comes back for `hi`."""
    process = subprocess.Popen(
        [*command, "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.stdin.write(b"hi\n")
        process.stdin.flush()
        return process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_browser_is_passed_through(passing, tls_server, tmp_path):
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    server = tls_server()
    proxy = passing(server)
    result = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        + [f"--user-data-dir={tmp_path}/chromium", "--ignore-certificate-errors"]
        + [f"--host-resolver-rules=MAP {NAME} 127.0.0.1:{proxy.port}", f"https://{NAME}/"],
        capture_output=True,
        timeout=60,
    )
    assert b"hello: GET / HTTP/1.1" in result.stdout, result.stderr[-500:]


# What is not passed through


def test_a_name_that_is_nobodys_gets_an_alert(passing, tls_server):
    server = tls_server()
    proxy = passing(server)
    for name in ("other.example.org", None):
        with RawClient(proxy.port) as client:
            client.send(client_hello(name))
            assert alert(client) == 112
    assert server.names == []


@pytest.mark.parametrize(
    "broken, code",
    [
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 10),
        (b"\x16\x03\x01\x00\x00", 50),
        (b"\x16\x03\x01\x40\x01", 22),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 50),
        (b"\x16\x03\x01\x00\x04\x01\x7f\xff\xff", 50),
    ],
)
def test_a_broken_hello_gets_its_alert(passing, tls_server, broken, code):
    proxy = passing(tls_server())
    with RawClient(proxy.port) as client:
        client.send(broken)
        assert alert(client) == code
    assert proxy.is_running


def test_plain_http_gets_a_clear_400(passing, tls_server):
    proxy = passing(tls_server())
    with RawClient(proxy.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.read_to_end()
        assert answer.startswith(b"HTTP/1.1 400 ") and b"HTTPS" in answer


def test_what_is_neither_is_closed_without_a_word(passing, tls_server):
    proxy = passing(tls_server())
    with RawClient(proxy.port) as client:
        client.send(b"\x80\x2e\x01\x00\x02")
        assert client.read_to_cut() == b""


def test_a_hello_that_does_not_come_is_not_waited_for(passing, tls_server):
    proxy = passing(tls_server(), listener='handshake_timeout = "200ms"')
    for part in (b"", client_hello()[:100]):
        with RawClient(proxy.port) as client:
            client.send(part)
            assert client.wait_closed() == "eof"


# The tunnel


def test_each_side_may_end_before_the_other(passing, serve):
    def script(connection):
        hello = connection.read_until(b"the end")
        assert connection._receive() is False
        connection.send(b"still here", hello[:5])

    proxy = passing(serve(script, strict=True))
    hello = client_hello()
    with RawClient(proxy.port) as client:
        client.send(hello, b"the end")
        client.half_close()
        assert client.read_to_end() == b"still here" + hello[:5]


def test_the_server_may_end_first(passing, serve):
    def script(connection):
        connection.read_exactly(5)
        connection.send(b"bye")
        connection.half_close()
        assert connection.read_until(b"late") == hello[5:] + b"late"

    hello = client_hello()
    server = serve(script, strict=True)
    proxy = passing(server)
    with RawClient(proxy.port) as client:
        client.send(hello)
        assert client.read_exactly(3) == b"bye"
        assert client.read_to_end() == b""
        client.send(b"late")
        client.half_close()
        wait_until(lambda: server.connections[0].received == hello + b"late", "the last bytes")


def test_many_bytes_come_through_whole_both_ways(passing, serve):
    data = bytes(range(256)) * 40_000

    def script(connection):
        connection.read_exactly(len(hello))
        writer = threading.Thread(target=connection.send, args=[data])
        writer.start()
        assert connection.read_exactly(len(data)) == data
        writer.join()

    hello = client_hello()
    proxy = passing(serve(script, strict=True))
    with RawClient(proxy.port) as client:
        client.send(hello)
        writer = threading.Thread(target=client.send, args=[data])
        writer.start()
        assert client.read_to_end() == data
        writer.join()


def test_a_silent_tunnel_ends(rsp, serve):
    server = serve(lambda connection: connection.read_to_end())
    port = free_port()
    rsp(
        text=f"""
listen {{ "127.0.0.1:{port}", tls = true }}
site "{NAME}" {{ passthrough = "{server.address}", tunnel_timeout = "300ms" }}
""",
        port=port,
    )
    with RawClient(port) as client:
        client.send(client_hello())
        client.wait_closed()


# Servers


def test_a_server_that_refuses_is_passed_over(passing, tls_server):
    with refusing_port() as port:
        proxy = passing(f"127.0.0.1:{port}", tls_server(), upstream='balance = "round_robin"')
        for _ in range(6):
            with tls_peers.connect(proxy.port) as stream:
                assert ask(stream) == b"hello: hi\n"


def test_without_a_server_the_connection_is_closed(passing):
    with refusing_port() as port:
        proxy = passing(f"127.0.0.1:{port}")
        with RawClient(proxy.port) as client:
            client.send(client_hello())
            assert client.read_to_cut() == b""
        proxy.wait_for_log("cannot connect")


def test_places_at_servers_are_waited_for(passing, serve):
    gate = threading.Event()

    def script(connection):
        first = connection.read_exactly(5)
        gate.wait(20)
        connection.send(first)

    server = serve(script)
    proxy = passing(server, upstream="max_connections = 1")
    with RawClient(proxy.port) as one, RawClient(proxy.port) as two:
        one.send(client_hello())
        server.wait_for_connections(1)
        two.send(client_hello())
        wait_until(
            lambda: proxy.ask({"command": "status"})["upstreams"][0]["queued"] == 1,
            "one to wait",
        )
        assert len(server.connections) == 1
        gate.set()
        assert one.read_exactly(5) == b"\x16\x03\x01\x02\x00"
        one.close()
        assert two.read_exactly(5) == b"\x16\x03\x01\x02\x00"


def test_a_reload_ends_those_whose_site_has_gone(rsp, serve):
    server = serve(lambda connection: connection.send(connection.read_to_end()))
    port = free_port()
    other = 'site "other.example.org" { passthrough = "secure" }'
    proxy = rsp(text=text(port, [server], rest=other), port=port)
    with RawClient(port) as kept, RawClient(port) as lost:
        kept.send(client_hello())
        lost.send(client_hello("other.example.org"))
        server.wait_for_connections(2)
        proxy.file.write_text(
            text(port, [server], rest='defaults { drain_timeout = "100ms" }')
        )
        proxy.reload()
        lost.wait_closed()
        kept.send(b"more")
        kept.half_close()
        assert kept.read_to_end() == client_hello_of(server, 0) + b"more"


def client_hello_of(server, number):
    """What a connection began with."""
    received = bytes(server.connections[number].received)
    return received[: 5 + int.from_bytes(received[3:5], "big")]


def test_status_counts_them(passing, tls_server):
    proxy = passing(tls_server())
    with tls_peers.connect(proxy.port) as stream:
        assert ask(stream) == b"hello: hi\n"
        server = proxy.ask({"command": "status"})["upstreams"][0]["servers"][0]
        assert (server["in_flight"], server["requests"], server["failures"]) == (1, 1, 0)
