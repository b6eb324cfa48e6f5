"""TLS towards servers: verification, names, certificates of our own, and what is kept."""

import pytest

from harness.certificates import Authority
from harness.config import lua
from harness.messages import request, response
from harness.ports import free_port
from harness.secure import SecureServer
from harness.server import always
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority):
    return authority.issue("app.test", "127.0.0.1")


@pytest.fixture
def secure_server(peers, issued):
    """secure_server(...) -> a SecureServer that answers "hello"; for app.test unless told otherwise."""

    def start(script=None, certificate=None, **options):
        server = SecureServer(
            script or always(response(b"hello")), certificate or issued, **options
        )
        peers.callback(server.stop)
        return server

    return start


@pytest.fixture
def proxied(rsp, authority):
    """proxied(servers, upstream options) -> a Proxy that trusts our authority unless told otherwise."""

    def start(*servers, options=None, route="", rest=""):
        port = free_port()
        options = f'ca = "{authority.certificate}"' if options is None else options
        listed = ", ".join(lua(getattr(server, "url", server)) for server in servers)
        return rsp(
            text=f"""
            workers(1)
            listen "127.0.0.1:{port}"
            upstream "app" {{ {listed}, {options} }}
            site "*" {{ ["/"] = {{ proxy "app", {route} }} }}
            {rest}
            """,
            port=port,
        )

    return start


def test_a_request_goes_by_tls_with_the_host_as_its_name(proxied, secure_server):
    server = secure_server()
    proxy = proxied(server)
    answer = proxy.exchange(request(host="app.test:8000"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert server.names == ["app.test"]
    assert server.requests[0].get(b"Host") == b"app.test:8000"


def test_the_systems_authorities_are_the_default(proxied, secure_server):
    server = secure_server()
    answer = proxied(server, options="").exchange(request(host="app.test"))
    assert answer.status == 502
    assert not server.requests


def test_a_certificate_of_somebody_else_is_refused(proxied, secure_server, tmp_path):
    other = Authority(tmp_path / "other").issue("app.test")
    server = secure_server(certificate=other)
    proxy = proxied(server)
    answer = proxy.exchange(request(host="app.test"))
    assert answer.status == 502
    # What OpenSSL says of it is no client's business, but the log's.
    assert b"certificate" not in answer.body.lower() and b"ssl" not in answer.body.lower()
    wait_until(lambda: proxy.logged("certificate"), "the reason in the log")
    assert not server.requests


def test_a_certificate_for_another_name_is_refused(proxied, secure_server):
    server = secure_server()
    assert proxied(server).exchange(request(host="other.test")).status == 502
    assert not server.requests


def test_an_expired_certificate_is_refused(proxied, secure_server, authority):
    server = secure_server(certificate=authority.issue("app.test", days=-1))
    assert proxied(server).exchange(request(host="app.test")).status == 502
    assert not server.requests


def test_the_name_may_be_fixed(proxied, secure_server, authority):
    server = secure_server()
    options = f'ca = "{authority.certificate}", server_name = "app.test"'
    assert proxied(server, options=options).exchange(request(host="shop.test")).body == b"hello"
    assert server.names == ["app.test"]
    assert server.requests[0].get(b"Host") == b"shop.test"


def test_verification_can_be_turned_off(proxied, secure_server):
    server = secure_server()
    proxy = proxied(server, options="verify = false")
    assert proxy.exchange(request(host="other.test")).body == b"hello"


def test_a_certificate_is_shown_to_a_server_that_asks(
    proxied, secure_server, authority, tmp_path
):
    clients = Authority(tmp_path / "clients")
    ours = clients.issue("rsp.test", client=True)
    server = secure_server(client_ca=clients)
    options = (
        f'ca = "{authority.certificate}", '
        f'client_certificate = {{ cert = "{ours.certificate}", key = "{ours.key}" }}'
    )
    assert proxied(server, options=options).exchange(request(host="app.test")).body == b"hello"
    assert server.clients == ["rsp.test"]
    assert proxied(server).exchange(request(host="app.test")).status == 502


def test_connections_are_kept(proxied, secure_server):
    server = secure_server()
    proxy = proxied(server)
    with proxy.client() as client:
        for _ in range(3):
            assert client.exchange(request(host="app.test")).body == b"hello"
    assert len(server.connections) == 1


def test_a_connection_is_not_used_for_another_name(proxied, secure_server, authority):
    both = authority.issue("app.test", "two.test")
    server = secure_server(certificate=both)
    proxy = proxied(server)
    for host in ("app.test", "two.test", "app.test"):
        assert proxy.exchange(request(host=host)).body == b"hello"
    assert sorted(set(server.names)) == ["app.test", "two.test"]


def test_sessions_are_used_again(proxied, secure_server):
    def one_each(connection):
        if connection.read_request() is not None:
            connection.send(response(b"hello", "Connection: close"))

    server = secure_server(one_each)
    proxy = proxied(server)
    for _ in range(4):
        assert proxy.exchange(request(host="app.test")).body == b"hello"
    assert server.reused[0] is False
    assert server.reused[-1] is True


def test_servers_with_and_without_tls_share_an_upstream(proxied, secure_server, serve):
    plain, secure = serve(always(response(b"plain"))), secure_server()
    proxy = proxied(plain.address, secure)
    found = {proxy.exchange(request(host="app.test")).body for _ in range(30)}
    assert found == {b"plain", b"hello"}


def test_a_server_that_speaks_no_tls_is_502_and_another_is_tried(proxied, secure_server, serve):
    # It waits for a request head and gets a ClientHello.
    def deaf(connection):
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    wrong, right = serve(deaf), secure_server()
    proxy = proxied(f"https://{wrong.address}", right)
    for _ in range(6):
        assert proxy.exchange(request("POST", "/", host="app.test")).body == b"hello"
    alone = proxied(f"https://{wrong.address}")
    assert alone.exchange(request(host="app.test")).status == 502


def test_a_handshake_that_does_not_end_is_cut(proxied, serve):
    server = serve(lambda connection: connection.read_to_end())
    proxy = proxied(f"https://{server.address}", route='connect_timeout = "300ms", retries = 0')
    assert proxy.exchange(request(host="app.test")).status in (502, 504)


def test_large_bodies_pass_both_ways(proxied, secure_server):
    body = bytes(range(256)) * (8 << 12)

    def echo(connection):
        while (asked := connection.read_request()) is not None:
            connection.send(response(asked.body))

    proxy = proxied(secure_server(echo))
    with proxy.client() as client:
        for _ in range(2):
            assert client.exchange(request("POST", "/", body=body, host="app.test")).body == body


def test_a_body_cut_off_without_close_notify_is_not_taken_for_whole(proxied, secure_server):
    def cut(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        # The socket below ends, and TLS says nothing: anybody on the way could have done that.
        connection.socket._sslobj = None
        connection.close()

    proxy = proxied(secure_server(cut))
    with proxy.client() as client:
        client.send(request(host="app.test"))
        client.read_head()
        client.read_to_end()
        body = bytes(client.received).partition(b"\r\n\r\n")[2]
    assert not body.endswith(b"0\r\n\r\n"), body


def test_checks_go_by_tls(proxied, secure_server, authority):
    server = secure_server()
    options = (
        f'ca = "{authority.certificate}", server_name = "app.test", '
        'health_check = { path = "/health", interval = "100ms" }'
    )
    proxied(server, options=options)
    wait_until(lambda: any(asked.target == b"/health" for asked in server.requests), "a check")
