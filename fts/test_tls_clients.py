"""TLS towards clients: handshakes, requests over it, its end, and what servers are told of it."""

import re
import ssl
import subprocess
import threading

import pytest

from harness.certificates import Authority
from harness.messages import request, response
from harness.ports import free_port
from harness.server import always
from harness.tls import TLSClient, client_context


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    issued = authority.issue("example.com", "*.example.org")
    file = tmp_path_factory.mktemp("certificates") / "example.pem"
    file.write_text(issued.text)
    return file


@pytest.fixture
def secure(rsp, certificate):
    """secure(server, listener options, route options) -> a Proxy whose port speaks TLS."""

    def start(server="127.0.0.1:9", listener="", options="", workers=1, site="*", route=None):
        port = free_port()
        address = getattr(server, "address", server)
        text = f"""
workers({workers})
listen {{ "127.0.0.1:{port}", certificates = "{certificate}", {listener} }}
upstream "app" {{ "{address}" }}
site "{site}" {{ ["/"] = {route or f'{{ proxy "app", {options} }}'} }}
"""
        return rsp(text=text, port=port)

    return start


# Requests


def test_requests_come_one_after_another_and_all_at_once(secure, serve, authority):
    proxy = secure(serve(always(response(b"x"))))
    with TLSClient(proxy.port, authority=authority) as client:
        for _ in range(3):
            assert client.exchange(request()).body == b"x"
        client.send(request() * 5)
        assert [client.read_response().body for _ in range(5)] == [b"x"] * 5


def test_a_connection_that_has_rested_goes_on(secure, serve, authority):
    proxy = secure(serve(always(response(b"x"))))
    with TLSClient(proxy.port, authority=authority) as client:
        for _ in range(3):
            assert client.exchange(request()).body == b"x"
            assert client.is_silent_for(0.4)


def test_bodies_of_many_records_arrive_whole_both_ways(secure, serve, authority):
    body = bytes(i * 7 % 251 for i in range(3_000_017))

    def echo(connection):
        while (got := connection.read_request()) is not None:
            connection.send(response(got.body))

    proxy = secure(serve(echo))
    with TLSClient(proxy.port, authority=authority) as client:
        for _ in range(2):
            threading.Thread(
                target=client.send, args=[request("POST", "/", body=body)], daemon=True
            ).start()
            assert client.read_response().body == body


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_speaks_to_it(secure, serve, authority, version):
    proxy = secure(serve(always(response(b"hello"))))
    result = subprocess.run(
        ["curl", "-sS", "--cacert", authority.certificate, f"--tlsv{version}", "--tls-max", version]
        + ["--resolve", f"example.com:{proxy.port}:127.0.0.1", "-w", " %{http_version}"]
        + [f"https://example.com:{proxy.port}/"],
        capture_output=True,
        timeout=30,
    )
    assert result.stdout == b"hello 1.1", result.stderr


def test_servers_are_told_that_the_client_came_by_tls(secure, serve, authority):
    server = serve(always(response()))
    proxy = secure(
        server,
        options="""forwarded = true, request_headers = { set = {
            ["X-Facts"] = "$scheme $https $ssl_protocol $ssl_cipher $ssl_server_name"
                .. " $ssl_session_reused $ssl_client_verify" } }""",
    )
    with TLSClient(proxy.port, authority=authority) as client:
        client.exchange(request())
    got = server.requests[0]
    assert got.get(b"X-Forwarded-Proto") == b"https"
    assert got.get(b"Forwarded").endswith(b";proto=https")
    facts = b"https on TLSv1.3 TLS_AES_128_GCM_SHA256 example.com . NONE"
    assert got.get(b"X-Facts") == facts


def test_a_function_sees_scheme_and_server_name(secure, authority):
    route = 'function(request) return respond(200, request.scheme .. " " .. request.tls_server_name) end'
    proxy = secure(route=route)
    with TLSClient(proxy.port, "a.example.org", authority=authority) as client:
        assert client.exchange(request(host="a.example.org")).body == b"https a.example.org"


# Names


@pytest.mark.parametrize(
    "name, host, status",
    [
        ("example.com", "example.com", 200),
        ("example.com", "EXAMPLE.com:443", 200),
        # Another name of the same certificate: RFC 9110 7.4.
        ("example.com", "www.example.org", 200),
        ("example.com", "other.example", 421),
        ("example.com", "a.b.example.org", 421),
        # No certificate is for it, but it is what the client has asked for.
        ("other.example", "other.example", 200),
        ("other.example", "third.example", 421),
        # Without SNI: names of the certificate, and addresses, which SNI cannot hold.
        (None, "example.com", 200),
        (None, "127.0.0.1", 200),
        (None, "[::1]:8443", 200),
        (None, "other.example", 421),
    ],
)
def test_a_request_for_a_name_that_the_session_was_not_made_for_is_421(
    secure, serve, name, host, status
):
    proxy = secure(serve(always(response())))
    with TLSClient(proxy.port, name) as client:
        assert client.exchange(request(host=host)).status == status
        # The connection stays, for the names it is for.
        assert client.exchange(request(host="example.com")).status == 200 or name == "other.example"


def test_a_host_without_a_site_is_421(secure, serve):
    proxy = secure(serve(always(response())), site="www.example.org")
    with TLSClient(proxy.port, "example.com") as client:
        assert client.exchange(request(host="example.com")).status == 421
        assert client.exchange(request(host="www.example.org")).status == 200


# Handshakes


def test_plain_http_gets_an_answer_that_says_so(secure):
    answer = secure().exchange(request())
    assert answer.status == 400 and b"HTTPS" in answer.body


def test_protocols_without_overlap_are_refused_by_an_alert(secure):
    proxy = secure()
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        TLSClient(proxy.port, context=client_context(alpn=["spdy/9"]))
    with TLSClient(proxy.port, context=client_context(alpn=["h9", "http/1.1"])) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"


def test_tls_1_2_is_refused_where_1_3_is_wanted(secure):
    proxy = secure(listener='tls_min = "1.3"')
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
        TLSClient(proxy.port, context=client_context(version=ssl.TLSVersion.TLSv1_2))


def test_a_handshake_that_takes_too_long_is_ended(secure):
    proxy = secure(listener='handshake_timeout = "300ms"')
    with proxy.client() as client:
        assert client.wait_closed() == "eof"
    # Also one that has begun.
    with proxy.client() as client:
        client.send(b"\x16\x03\x01\x02\x00\x01\x00")
        assert client.wait_closed() == "eof"


def test_renegotiation_is_refused(secure, serve):
    proxy = secure(serve(always(response(b"still here"))))
    process = subprocess.Popen(
        ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{proxy.port}"]
        + ["-servername", "example.com"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = process.communicate(b"R\n", timeout=30)
    assert b"RENEGOTIATING" in output and b"no renegotiation" in output
    assert proxy.is_running


def test_keys_are_updated_when_the_client_asks(secure, serve):
    proxy = secure(serve(always(response(b"with new keys", "Connection: close"))))
    process = subprocess.Popen(
        ["openssl", "s_client", "-tls1_3", "-connect", f"127.0.0.1:{proxy.port}"]
        + ["-servername", "example.com"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seen = b""
    # It takes a line for a command only when that comes alone.
    process.stdin.write(b"K\n")
    process.stdin.flush()
    while b"KEYUPDATE" not in seen:
        assert (got := process.stdout.read1(65536)), seen
        seen += got
    process.stdin.write(request("GET", "/", "Connection: close"))
    process.stdin.flush()
    while got := process.stdout.read1(65536):
        seen += got
    assert b"with new keys" in seen
    process.stdin.close()
    process.wait(10)


def test_early_data_is_not_offered(secure, serve, tmp_path):
    proxy = secure(serve(always(response(b"x", "Connection: close"))))
    session = tmp_path / "session"
    subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}", "-servername", "example.com"]
        + ["-sess_out", session, "-ign_eof"],
        input=request("GET", "/", "Connection: close"),
        capture_output=True,
        timeout=30,
    )
    text = subprocess.run(
        ["openssl", "sess_id", "-in", session, "-noout", "-text"], capture_output=True, timeout=30
    ).stdout
    assert b"TLS session ticket" in text
    assert re.search(rb"Max Early Data: 0\b", text)


# Resumption


def resume(port, count, context, session):
    """Takes the session up again so many times; how often that worked."""
    resumed = 0
    for _ in range(count):
        with TLSClient(port, context=context, session=session) as client:
            assert client.exchange(request()).status == 200
            resumed += client.socket.session_reused
    return resumed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_by_every_worker_and_after_a_reload(secure, serve, version):
    proxy = secure(serve(always(response())), workers=2)
    context = client_context(version=version)
    with TLSClient(proxy.port, context=context) as client:
        client.exchange(request())
        assert not client.socket.session_reused
        session = client.socket.session
    assert resume(proxy.port, 8, context, session) == 8
    proxy.reload()
    assert resume(proxy.port, 4, context, session) == 4


# Ends


def test_the_end_is_said_by_close_notify(secure, serve, authority):
    proxy = secure(serve(always(response(b"x"))))
    with TLSClient(proxy.port, authority=authority) as client:
        client.exchange(request("GET", "/", "Connection: close"))
        assert client.wait_closed() == "eof"


def test_a_resting_connection_is_ended_by_close_notify(secure, serve, authority):
    proxy = secure(serve(always(response(b"x"))), listener='keepalive_timeout = "300ms"')
    with TLSClient(proxy.port, authority=authority) as client:
        client.exchange(request())
        assert client.wait_closed() == "eof"


def test_a_body_without_an_end_is_not_said_to_be_whole_when_it_was_cut(secure, serve, authority):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    proxy = secure(serve(script))
    with TLSClient(proxy.port, authority=authority) as client:
        client.send(b"GET / HTTP/1.0\r\nHost: example.com\r\n\r\n")
        assert client.read_to_cut().endswith(b"short")


def test_a_client_that_says_goodbye_frees_its_server(secure, serve, authority):
    gone = threading.Event()

    def script(connection):
        connection.read_request()
        connection.wait_closed()
        gone.set()

    server = serve(script)
    proxy = secure(server)
    client = TLSClient(proxy.port, authority=authority)
    client.send(request())
    server.wait_for_requests(1)
    client.say_goodbye()
    assert gone.wait(10), "the server is still held"


def test_websockets_go_through(secure, serve, authority):
    def script(connection):
        connection.read_request_head()
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
        )
        connection.send(connection.read_exactly(5).upper())
        assert connection.wait_closed() == "eof"

    proxy = secure(serve(script, strict=True))
    with TLSClient(proxy.port, authority=authority) as client:
        client.send(request("GET", "/", "Upgrade: echo", "Connection: Upgrade"))
        assert b"101" in client.read_head()
        client.send(b"hello")
        assert client.read_exactly(5) == b"HELLO"


# Certificates of clients


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """An authority for clients."""
    return Authority(tmp_path_factory.mktemp("clients"), "clients")


FACTS = (
    'request_headers = { set = { ["X-Client"] = "$ssl_client_verify", '
    '["X-Name"] = "$ssl_client_s_dn" } }'
)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_required_certificate_is_asked_for_and_told_to_the_server(
    secure, serve, clients, version
):
    server = serve(always(response()))
    proxy = secure(server, listener=f'client_ca = "{clients.certificate}"', options=FACTS)
    context = client_context(version=version, certificate=clients.issue("alice", client=True))
    with TLSClient(proxy.port, context=context) as client:
        assert client.exchange(request()).status == 200
        session = client.socket.session
    # Who the client is, a ticket knows, too.
    assert resume(proxy.port, 1, context, session) == 1
    for got in server.requests:
        assert got.get(b"X-Client") == b"SUCCESS" and got.get(b"X-Name") == b"CN=alice"


def test_without_a_required_certificate_there_is_no_session(secure, serve, clients, authority):
    server = serve(always(response()))
    proxy = secure(server, listener=f'client_ca = "{clients.certificate}"')
    for certificate in [None, authority.issue("mallory", client=True)]:
        context = client_context(certificate=certificate)
        # With TLS 1.3 a client learns it only when it reads.
        with pytest.raises((ssl.SSLError, ConnectionError), match="(?i)alert|reset"):
            with TLSClient(proxy.port, context=context) as client:
                client.exchange(request())
    assert server.requests == []


def test_an_optional_certificate_is_verified_if_there_is_one(secure, serve, clients, authority):
    server = serve(always(response()))
    listener = f'client_ca = "{clients.certificate}", client_verify = "optional"'
    proxy = secure(server, listener=listener, options=FACTS)
    shown = [None, clients.issue("alice", client=True), authority.issue("mallory", client=True)]
    for certificate in shown:
        with TLSClient(proxy.port, context=client_context(certificate=certificate)) as client:
            assert client.exchange(request()).status == 200
    found = [(got.get(b"X-Client"), got.get(b"X-Name")) for got in server.requests]
    assert found[0] == (b"NONE", None)
    assert found[1] == (b"SUCCESS", b"CN=alice")
    assert found[2][0].startswith(b"FAILED:") and found[2][1] == b"CN=mallory"


def test_a_ticket_is_no_certificate_elsewhere(rsp, serve, certificate, clients):
    """A session of the listener that asks for nothing is none on the one that does."""
    server = serve(always(response()))
    open_port, closed_port = free_port(), free_port()
    rsp(
        text=f"""
listen {{ "127.0.0.1:{open_port}", certificates = "{certificate}" }}
listen {{ "127.0.0.1:{closed_port}", certificates = "{certificate}", client_ca = "{clients.certificate}" }}
upstream "app" {{ "{server.address}" }}
site "*" {{ ["/"] = proxy "app" }}
""",
        port=open_port,
    )
    context = client_context()
    with TLSClient(open_port, context=context) as client:
        client.exchange(request())
        session = client.socket.session
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with TLSClient(closed_port, context=context, session=session) as client:
            client.exchange(request())
    assert len(server.requests) == 1
