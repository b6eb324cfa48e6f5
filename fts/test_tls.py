"""TLS towards clients: handshakes, who may connect, what requests see, and how connections end."""

import shutil
import ssl
import subprocess

import pytest
from websockets.sync.client import connect as connect_websocket

from harness.certificates import Authority
from harness.client import RawClient
from harness.messages import request, response
from harness.ports import free_port
from harness.secure import SecureClient, client_context, handshake_fails
from harness.server import always
from harness.waiting import wait_until

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority):
    """For one.test and its neighbours."""
    return authority.issue("one.test", "two.test", "*.wild.test")


@pytest.fixture
def secure(rsp, serve, issued, tmp_path):
    """secure(listener options, route options, ...) -> a Proxy that speaks TLS on its port and no TLS
    on `proxy.plain`; its server is `proxy.server`."""

    def start(listener="", route="", site="*", rest="", server=None, workers=1):
        pem = tmp_path / "cert.pem"
        pem.write_text(issued.text)
        server = server or serve(always(response(b"hello")))
        port, plain = free_port(), free_port()
        proxy = rsp(
            text=f"""
            workers({workers})
            listen {{ "127.0.0.1:{port}", certificates = "{pem}", {listener} }}
            listen "127.0.0.1:{plain}"
            upstream "app" {{ "{server.address}" }}
            site "{site}" {{ ["/"] = {{ proxy "app", {route} }} }}
            {rest}
            """,
            port=port,
        )
        proxy.server, proxy.plain = server, plain
        return proxy

    return start


def answer(proxy, *lines, target="/", host="one.test", **options):
    with SecureClient(proxy.port, **options) as client:
        return client.exchange(request("GET", target, *lines, host=host))


# Handshakes


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_a_request_by_each_version(secure, authority, version):
    proxy = secure()
    with SecureClient(proxy.port, authority=authority, lowest=version, highest=version) as client:
        assert client.socket.version() == {V12: "TLSv1.2", V13: "TLSv1.3"}[version]
        for _ in range(3):
            assert client.exchange(request(host="one.test")).body == b"hello"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(secure):
    proxy = secure()
    old = ssl.TLSVersion.TLSv1_1
    assert handshake_fails(proxy.port, lowest=old, highest=old, ciphers="DEFAULT@SECLEVEL=0")
    assert answer(proxy).status == 200


def test_the_lowest_version_may_be_higher(secure):
    proxy = secure('tls_min = "1.3"')
    assert handshake_fails(proxy.port, highest=V12)
    assert answer(proxy).status == 200


def test_only_the_ciphers_that_are_named_are_taken(secure):
    proxy = secure('ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"')
    assert handshake_fails(proxy.port, highest=V12, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    assert answer(proxy, highest=V12).status == 200


def test_old_ciphers_are_not_offered(secure):
    proxy = secure()
    for ciphers in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"):
        assert handshake_fails(proxy.port, highest=V12, ciphers=f"{ciphers}:@SECLEVEL=0")


@pytest.mark.parametrize(
    "offered, chosen", [(["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)]
)
def test_the_protocol_is_agreed_on(secure, offered, chosen):
    with SecureClient(secure().port, alpn=offered) as client:
        assert client.socket.selected_alpn_protocol() == chosen
        assert client.exchange(request(host="one.test")).status == 200


def test_a_handshake_that_does_not_come_is_cut(secure):
    proxy = secure('handshake_timeout = "300ms"')
    with RawClient(proxy.port) as silent, RawClient(proxy.port) as slow:
        slow.send(b"\x16\x03\x01\x02\x00\x01")
        silent.read_to_end()
        slow.read_to_end()
    assert answer(proxy).status == 200


@pytest.mark.parametrize(
    "bytes_",
    [b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff", b"\x16\x03\x01\xff\xff", b"\x80\x2e\x01\x03\x01",
     b"\x00" * 64, b"SSH-2.0-x\r\n", b"\x15\x03\x01\x00\x02\x02\x28"],
)  # fmt: skip
def test_what_is_no_handshake_ends_the_connection(secure, bytes_):
    proxy = secure('handshake_timeout = "1s"')
    with RawClient(proxy.port) as client:
        client.send(bytes_)
        client.read_to_end()
    assert answer(proxy).status == 200


def test_plain_http_on_a_tls_port_gets_a_clear_400(secure):
    proxy = secure()
    with RawClient(proxy.port) as client:
        refused = client.exchange(request(host="one.test"))
    assert refused.status == 400
    assert b"TLS" in refused.body or b"HTTPS" in refused.body or b"https" in refused.body
    assert not proxy.server.requests


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_renegotiation_is_refused(secure):
    proxy = secure()
    run = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}", "-tls1_2"],
        input=b"R\n",
        capture_output=True,
        timeout=20,
    )
    output = run.stdout + run.stderr
    assert b"RENEGOTIATING" in output
    assert b"no renegotiation" in output or b"handshake failure" in output, output[-600:]
    assert answer(proxy).status == 200


@pytest.mark.parametrize("highest", [V12, V13], ids=["1.2", "1.3"])
def test_a_session_is_resumed_by_any_worker(secure, highest):
    proxy = secure(workers=2, route='response_headers = { set = { ["X-R"] = "$ssl_session_reused" } }')
    context, session = client_context(highest=highest), None
    for turn in range(8):
        with SecureClient(proxy.port, context=context, session=session) as client:
            found = client.exchange(request(host="one.test"))
            assert client.socket.session_reused == (turn > 0)
            assert found.get(b"X-R") == (b"r" if turn > 0 else b".")
            session = client.socket.session


# Certificates of clients


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """The authority of clients, a certificate of it, and one of another authority."""
    folder = tmp_path_factory.mktemp("clients")
    ours, theirs = Authority(folder / "ours", "clients"), Authority(folder / "theirs", "others")
    return ours, ours.issue("alice.test", client=True), theirs.issue("mallory.test", client=True)


SHOWN = """request_headers = { set = {
    ["X-Verify"] = "$ssl_client_verify", ["X-Subject"] = "$ssl_client_s_dn" } }"""


def test_a_certificate_may_be_required(secure, clients):
    ours, alice, mallory = clients
    proxy = secure(f'client_ca = "{ours.certificate}"', SHOWN)
    assert handshake_fails(proxy.port)
    assert handshake_fails(proxy.port, certificate=mallory)
    assert answer(proxy, certificate=alice).status == 200
    (asked,) = proxy.server.requests
    assert asked.get(b"X-Verify") == b"SUCCESS"
    assert b"alice.test" in asked.get(b"X-Subject")


def test_a_certificate_may_be_optional(secure, clients):
    ours, alice, mallory = clients
    proxy = secure(f'client_ca = "{ours.certificate}", client_verify = "optional"', SHOWN)
    for certificate in (None, alice, mallory):
        assert answer(proxy, certificate=certificate).status == 200
    none, good, bad = (asked.get(b"X-Verify") for asked in proxy.server.requests)
    assert (none, good) == (b"NONE", b"SUCCESS")
    assert bad.startswith(b"FAILED")


def test_a_client_cannot_claim_a_certificate(secure, clients):
    ours, _, _ = clients
    proxy = secure(f'client_ca = "{ours.certificate}", client_verify = "optional"', SHOWN)
    answer(proxy, "X-Verify: SUCCESS", "X-Subject: CN=alice.test")
    (asked,) = proxy.server.requests
    assert asked.all(b"X-Verify") == [b"NONE"]
    assert b"X-Subject" not in asked


# Requests


def test_a_name_that_the_certificate_does_not_cover_is_421(secure):
    proxy = secure(rest='site "three.test" { ["/"] = respond(200, "three\\n") }')
    assert answer(proxy, host="three.test").status == 421
    assert answer(proxy, host="two.test").status == 200
    assert answer(proxy, host="a.wild.test").status == 200
    assert answer(proxy, host="wild.test").status == 421
    with RawClient(proxy.plain) as client:
        assert client.exchange(request(host="three.test")).body == b"three\n"


def test_a_connection_goes_on_after_a_421(secure):
    proxy = secure(rest='site "three.test" { ["/"] = respond(200, "three\\n") }')
    with SecureClient(proxy.port) as client:
        assert client.exchange(request(host="three.test")).status == 421
        assert client.exchange(request(host="one.test")).status == 200


def test_servers_are_told_that_it_was_tls(secure):
    proxy = secure(
        route='forwarded = true, request_headers = { set = { ["X-Seen"] = "$scheme $https '
        '$ssl_protocol $ssl_server_name" } }'
    )
    answer(proxy)
    with RawClient(proxy.plain) as client:
        client.exchange(request(host="one.test"))
    by_tls, plain = proxy.server.requests
    assert by_tls.get(b"X-Forwarded-Proto") == b"https"
    assert b"proto=https" in by_tls.get(b"Forwarded")
    assert by_tls.get(b"X-Seen") == b"https on TLSv1.3 one.test"
    assert plain.get(b"X-Forwarded-Proto") == b"http"
    assert plain.get(b"X-Seen").split() == [b"http"]


def test_a_function_sees_tls(secure):
    text = "(request.scheme) .. ' ' .. (request.tls_server_name or 'none')"
    proxy = secure(
        rest=f'site "two.test" {{ ["/"] = function(request) return respond(200, {text}) end }}'
    )
    assert answer(proxy, host="two.test", name="two.test").body == b"https two.test"
    assert answer(proxy, host="two.test", name=None).body == b"https none"


def test_large_bodies_pass_both_ways(secure, serve):
    size = 8 << 20
    body = bytes(range(256)) * (size // 256)

    def echo(connection):
        while (asked := connection.read_request()) is not None:
            connection.send(response(asked.body))

    proxy = secure(server=serve(echo))
    with SecureClient(proxy.port) as client:
        for _ in range(2):
            assert client.exchange(request("POST", "/", body=body, host="one.test")).body == body


def test_an_idle_connection_goes_on(secure):
    proxy = secure()
    with SecureClient(proxy.port) as client:
        assert client.exchange(request(host="one.test")).status == 200
        # It is parked when another connection's whole life has passed and some time more.
        wait_until(lambda: proxy.cpu_seconds() >= 0 and answer(proxy).status == 200, "another")
        client.socket.settimeout(0.4)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        client.socket.settimeout(10)
        assert client.exchange(request(host="one.test")).status == 200


def test_requests_may_be_cut_into_records_anywhere(secure):
    proxy = secure()
    with SecureClient(proxy.port) as client:
        client.send_in_pieces(request(host="one.test"))
        assert client.read_response().body == b"hello"


def test_pipelined_requests_are_answered_in_turn(secure):
    proxy = secure()
    with SecureClient(proxy.port) as client:
        client.send(request(host="one.test") * 5)
        assert [client.read_response().body for _ in range(5)] == [b"hello"] * 5


def test_an_end_is_told_by_close_notify(secure):
    with SecureClient(secure().port) as client:
        answered = client.exchange(request("GET", "/", "Connection: close", host="one.test"))
        assert answered.body == b"hello"
        # Anything but an orderly end is an error of this client.
        assert client.socket.recv(1) == b""


def test_a_websocket_by_tls(secure, backends, issued):
    (server,) = backends("chat")
    proxy = secure(server=server)
    url = f"wss://127.0.0.1:{proxy.port}/"
    with connect_websocket(url, ssl=client_context(), server_hostname="one.test",
                           additional_headers={}) as socket:  # fmt: skip
        assert socket.recv(10) == "chat"
        socket.send("x" * 70_000)
        assert socket.recv(10) == "x" * 70_000


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_is_content(secure, authority):
    proxy = secure()
    run = subprocess.run(
        ["curl", "-sS", "--cacert", authority.certificate, "--connect-to",
         f"one.test:443:127.0.0.1:{proxy.port}", "https://one.test/", "https://one.test/a"],
        capture_output=True, timeout=20,
    )  # fmt: skip
    assert run.stdout == b"hellohello", run.stderr


# Plain HTTP beside it


def test_plain_http_is_redirected_and_tls_is_not(secure):
    proxy = secure(route="redirect_https = true, hsts = '180d'")
    with RawClient(proxy.plain) as client:
        moved = client.exchange(request("GET", "/a?b", host=f"one.test:{proxy.plain}"))
    assert (moved.status, moved.get(b"Location")) == (
        308,
        f"https://one.test:{proxy.port}/a?b".encode(),
    )
    assert b"Strict-Transport-Security" not in moved
    served = answer(proxy)
    assert served.body == b"hello"
    assert served.get(b"Strict-Transport-Security") == b"max-age=15552000"


def test_no_key_is_in_the_log_or_the_status(secure, issued):
    proxy = secure()
    answer(proxy)
    handshake_fails(proxy.port, highest=V12, ciphers="AES128-SHA:@SECLEVEL=0")
    secret = "".join(issued.text.split("PRIVATE KEY-----")[1].split())[:40]
    status = proxy.command("status", "--json").stdout
    assert secret not in "".join("\n".join(proxy.log).split())
    assert secret not in "".join(status.split()) and "PRIVATE" not in status
