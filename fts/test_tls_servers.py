"""TLS towards servers: who they must be, what they are shown, and what becomes of those that fail."""

import pytest

from harness.certificates import Authority
from harness.messages import request, response
from harness.ports import free_port
from harness.server import always, once
from harness.tls import TLSServer, silent_server
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("app.example", "*.wild.example", "127.0.0.1")


@pytest.fixture
def tls_server(peers, certificate):
    """tls_server(script) -> a TLSServer with a certificate for app.example."""

    def start(script=None, shown=certificate, **options):
        server = TLSServer(script or always(response(b"x")), shown, **options)
        peers.callback(server.stop)
        return server

    return start


@pytest.fixture
def proxy(rsp, authority):
    """proxy(servers, upstream options, route options) -> a plain listener in front of TLS servers."""

    def start(*servers, upstream=None, options="", defaults=""):
        port = free_port()
        listed = ", ".join(f'"{getattr(server, "address", server)}"' for server in servers)
        upstream = f'ca = "{authority.certificate}"' if upstream is None else upstream
        text = f"""
workers(1)
defaults {{ {defaults} }}
listen "127.0.0.1:{port}"
upstream "app" {{ {listed}, {upstream} }}
site "*" {{ ["/"] = {{ proxy "app", {options} }} }}
"""
        return rsp(text=text, port=port)

    return start


def ask(proxy, host="app.example", method="GET"):
    return proxy.exchange(request(method, "/", host=host))


# Who a server must be


def test_a_server_proves_the_host_that_the_client_has_asked_for(proxy, tls_server):
    server = tls_server()
    running = proxy(server)
    assert ask(running).body == b"x"
    assert ask(running, "A.WILD.example:8000").body == b"x"
    assert server.names == ["app.example", "a.wild.example"]
    assert server.requests[0].get(b"Host") == b"app.example"


def test_a_server_that_is_somebody_else_gets_no_request(proxy, tls_server):
    server = tls_server()
    running = proxy(server)
    answer = ask(running, "other.example")
    assert answer.status == 502
    # Behaviour 26: the reason is for the log alone.
    assert b"certificate" not in answer.body and b"mismatch" not in answer.body
    assert server.requests == []
    wait_until(lambda: any("hostname mismatch" in line for line in running.log), "the log line")
    # What a client asks for does not put a server out.
    for _ in range(5):
        assert ask(running, "other.example").status == 502
    assert ask(running).status == 200


def test_the_system_s_authorities_do_not_know_ours(proxy, tls_server):
    server = tls_server()
    assert ask(proxy(server, upstream="")).status == 502
    assert server.requests == []


def test_server_name_takes_the_place_of_the_host(proxy, tls_server, authority):
    server = tls_server()
    upstream = f'ca = "{authority.certificate}", server_name = "app.example"'
    assert ask(proxy(server, upstream=upstream), "anything.test").status == 200
    assert server.names == ["app.example"]


def test_an_address_is_verified_as_one_and_is_in_no_sni(proxy, tls_server):
    server = tls_server()
    running = proxy(server)
    assert ask(running, "127.0.0.1").status == 200
    assert server.names == [None]
    assert ask(running, "127.0.0.2").status == 502
    assert ask(proxy(server, options='host = "server"')).status == 200


def test_verification_can_be_turned_off(proxy, tls_server):
    server = tls_server()
    assert ask(proxy(server, upstream="verify = false"), "other.example").status == 200


def test_a_server_that_asks_is_shown_our_certificate(proxy, tls_server, authority):
    own = authority.issue("rsp", client=True)
    server = tls_server(client_authority=authority)
    shown = f'client_certificate = {{ cert = "{own.certificate}", key = "{own.key}" }}'
    running = proxy(server, upstream=f'ca = "{authority.certificate}", {shown}')
    assert ask(running).status == 200
    assert server.subjects[0]["subject"] == ((("commonName", "rsp"),),)
    assert ask(proxy(server)).status == 502


# Connections


def test_a_connection_is_kept_for_its_name(proxy, tls_server):
    server = tls_server()
    running = proxy(server)
    for _ in range(5):
        assert ask(running).status == 200
    assert len(server.connections) == 1
    assert ask(running, "b.wild.example").status == 200
    assert ask(running).status == 200
    assert ask(running, "b.wild.example").status == 200
    assert len(server.connections) == 2


def test_a_session_is_taken_up_again(proxy, tls_server):
    answer = response(b"x", "Connection: close")
    server = tls_server(once(answer))
    running = proxy(server)
    for _ in range(4):
        assert ask(running).status == 200
    wait_until(lambda: len(server.resumed) == 4, "four connections")
    assert server.resumed == [False, True, True, True]


def test_a_session_is_not_taken_up_when_more_is_asked_of_servers(proxy, tls_server):
    """What a ticket stands for was never proved."""
    server = tls_server(once(response(b"x", "Connection: close")))
    running = proxy(server, upstream="verify = false")
    assert ask(running, "other.example").status == 200
    text = running.file.read_text().replace("verify = false", "verify = true")
    running.file.write_text(text)
    running.reload()
    assert ask(running, "other.example").status == 502


def test_bodies_of_many_records_arrive_whole_both_ways(proxy, tls_server):
    def echo(connection):
        while (got := connection.read_request()) is not None:
            connection.send(response(got.body))

    body = bytes(i * 11 % 251 for i in range(2_000_003))
    running = proxy(tls_server(echo))
    assert running.exchange(request("POST", "/", body=body, host="app.example")).body == body


def test_a_body_that_ends_with_its_connection_must_end_with_close_notify(proxy, tls_server):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nsome of it")

    whole = ask(proxy(tls_server(script)))
    assert whole.body == b"some of it"
    running = proxy(tls_server(script, says_goodbye=False))
    with running.client() as client:
        client.send(request(host="app.example"))
        assert not client.read_to_cut().endswith(b"0\r\n\r\n")


# Failures


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_goes_to_another_server_when_tls_fails(proxy, tls_server, serve, method):
    plain = serve(lambda connection: connection.read_to_cut())
    other = tls_server()
    running = proxy(f"https://{plain.address}", other)
    for _ in range(4):
        assert ask(running, method=method).status == 200


def test_a_server_that_shakes_no_hands_times_out(proxy, peers):
    listener, port = silent_server()
    peers.callback(listener.close)
    running = proxy(f"https://127.0.0.1:{port}", options='connect_timeout = "100ms", retries = 0')
    assert ask(running).status == 504


# Checks


def test_servers_are_checked_by_tls(proxy, tls_server, authority):
    upstream = (
        f'ca = "{authority.certificate}", server_name = "%s", '
        'health_check = { path = "/", interval = "100ms", timeout = "2s", rise = 1, fall = 1 }'
    )
    good = tls_server()
    running = proxy(good, upstream=upstream % "app.example")
    good.wait_for_requests(3)
    assert ask(running).status == 200
    running = proxy(good, upstream=upstream % "other.example")
    wait_until(lambda: any("is down" in line for line in running.log), "the check to fail")
    assert any("hostname mismatch" in line for line in running.log)
    assert ask(running).status == 503
