"""What a listener with TLS takes and refuses, beside plain ones, and with very many certificates."""

import pathlib
import re
import ssl

import pytest

from harness.certificates import Authority
from harness.client import RawClient
from harness.messages import request, response
from harness.ports import free_port
from harness.server import always
from harness.tls import TLSClient, client_context

V12 = ssl.TLSVersion.TLSv1_2


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    issued = authority.issue("one.test", "two.test", "*.wild.test")
    file = tmp_path_factory.mktemp("certificates") / "one.pem"
    file.write_text(issued.text)
    return file


@pytest.fixture
def secure(rsp, serve, certificate):
    """secure(listener options, route options, rest) -> a Proxy that speaks TLS on its port and none on
    `proxy.plain`; its server is `proxy.server`."""

    def start(listener="", route="", rest=""):
        server = serve(always(response(b"hello")))
        port, plain = free_port(), free_port()
        proxy = rsp(
            text=f"""
            workers(1)
            listen {{ "127.0.0.1:{port}", certificates = "{certificate}", {listener} }}
            listen "127.0.0.1:{plain}"
            upstream "app" {{ "{server.address}" }}
            site "*" {{ ["/"] = {{ proxy "app", {route} }} }}
            {rest}
            """,
            port=port,
        )
        proxy.server, proxy.plain = server, plain
        return proxy

    return start


def answer(proxy, *lines, host="one.test", context=None):
    with TLSClient(proxy.port, "one.test", context=context) as client:
        return client.exchange(request("GET", "/", *lines, host=host))


def context(ciphers=None, highest=None, **options):
    made = client_context(**options)
    if highest:
        made.maximum_version = highest
    if ciphers:
        made.set_ciphers(ciphers)
    return made


def is_refused(proxy, context):
    """Whether the handshake fails, or the connection ends right after it, as TLS 1.3 has it."""
    try:
        with TLSClient(proxy.port, "one.test", context=context) as client:
            return client.read_to_end() == b""
    except (ssl.SSLError, ConnectionResetError):
        return True


# Handshakes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_before_1_2_are_refused(secure):
    proxy = secure()
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        assert is_refused(proxy, context("DEFAULT:@SECLEVEL=0", version=version))
    assert answer(proxy).status == 200


def test_only_the_ciphers_that_are_named_are_taken(secure):
    proxy = secure('ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"')
    assert is_refused(proxy, context("ECDHE-ECDSA-AES128-GCM-SHA256", V12))
    assert answer(proxy, context=context("ECDHE-ECDSA-AES256-GCM-SHA384", V12)).status == 200


def test_ciphers_without_forward_secrecy_or_authentication_are_refused(secure):
    proxy = secure()
    for ciphers in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"):
        assert is_refused(proxy, context(f"{ciphers}:@SECLEVEL=0", V12))
    assert answer(proxy, context=context(highest=V12)).status == 200


@pytest.mark.parametrize(
    "offered, chosen", [(["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)]
)
def test_the_protocol_is_http_1_1(secure, offered, chosen):
    with TLSClient(secure().port, "one.test", context=context(alpn=offered)) as client:
        assert client.socket.selected_alpn_protocol() == chosen
        assert client.exchange(request(host="one.test")).status == 200


@pytest.mark.parametrize(
    "start",
    [b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff", b"\x16\x03\x01\xff\xff", b"\x80\x2e\x01\x03\x01",
     b"\x00" * 64, b"SSH-2.0-x\r\n", b"\x15\x03\x01\x00\x02\x02\x28"],
)  # fmt: skip
def test_what_is_no_handshake_ends_the_connection(secure, start):
    proxy = secure('handshake_timeout = "1s"')
    with RawClient(proxy.port) as client:
        client.send(start)
        client.read_to_end()
    assert answer(proxy).status == 200


def test_a_request_may_be_cut_into_records_anywhere(secure):
    with TLSClient(secure().port, "one.test") as client:
        client.send_in_pieces(request(host="one.test"))
        assert client.read_response().body == b"hello"


# Requests


def test_a_connection_goes_on_after_a_421(secure):
    proxy = secure(rest='site "three.test" { ["/"] = respond(200, "three\\n") }')
    with TLSClient(proxy.port, "one.test") as client:
        assert client.exchange(request(host="three.test")).status == 421
        assert client.exchange(request(host="a.wild.test")).status == 200
        assert client.exchange(request(host="wild.test")).status == 421
    with RawClient(proxy.plain) as client:
        assert client.exchange(request(host="three.test")).body == b"three\n"


@pytest.mark.parametrize("name", ["one.test", None])
@pytest.mark.parametrize("redirects", [False, True])
def test_a_site_that_is_passed_through_is_not_reached_by_anothers_connection(
    secure, name, redirects
):
    """Its name is one of the certificate's, and still the connection was decrypted for another."""
    options = f"redirect_https = {str(redirects).lower()}"
    proxy = secure(
        rest=f'site "bank.wild.test" {{ passthrough = "127.0.0.1:9", {options} }}\n'
        'site "a.wild.test" { ["/"] = respond(200, "a") }'
    )
    with TLSClient(proxy.port, name) as client:
        assert client.exchange(request(host="bank.wild.test")).status == 421
        assert client.exchange(request(host="a.wild.test")).body == b"a"


def test_a_client_cannot_claim_to_have_shown_a_certificate(secure, tmp_path):
    clients = Authority(tmp_path / "clients")
    proxy = secure(
        f'client_ca = "{clients.certificate}", client_verify = "optional"',
        """request_headers = { set = {
             ["X-Verify"] = "$ssl_client_verify", ["X-Subject"] = "$ssl_client_s_dn" } }""",
    )
    answer(proxy, "X-Verify: SUCCESS", "X-Subject: CN=alice")
    (asked,) = proxy.server.requests
    assert asked.all(b"X-Verify") == [b"NONE"]
    assert b"X-Subject" not in asked


def test_plain_http_is_redirected_and_tls_is_not(secure):
    proxy = secure(route="redirect_https = true, hsts = '180d'")
    with RawClient(proxy.plain) as client:
        moved = client.exchange(request("GET", "/a?b", host=f"one.test:{proxy.plain}"))
    assert moved.status == 308
    assert moved.get(b"Location") == f"https://one.test:{proxy.port}/a?b".encode()
    assert b"Strict-Transport-Security" not in moved
    served = answer(proxy)
    assert served.body == b"hello"
    assert served.get(b"Strict-Transport-Security") == b"max-age=15552000"


def test_no_key_is_in_the_log_or_the_status(secure, certificate):
    proxy = secure()
    answer(proxy)
    is_refused(proxy, context("AES128-SHA:@SECLEVEL=0", V12))
    key = re.search(r"PRIVATE KEY-----\s*(\S{40})", certificate.read_text())[1]
    shown = "\n".join(proxy.log) + proxy.command("status", "--json").stdout
    assert key not in shown and "PRIVATE" not in shown


# Reloads


def scheme_of(proxy, client):
    """What a server is told of a request on this connection."""
    count = len(proxy.server.requests)
    assert client.exchange(request(host="one.test")).status == 200
    return proxy.server.requests[count].get(b"X-Forwarded-Proto")


@pytest.mark.parametrize("rests", [False, True], ids=["busy", "resting"])
def test_connections_stay_what_they_are_when_their_listener_changes(secure, rests):
    proxy = secure()
    text = proxy.file.read_text()
    swapped = re.sub(rf'"127.0.0.1:{proxy.plain}"', '"PLAIN"', text)
    swapped = swapped.replace(f"127.0.0.1:{proxy.port}", f"127.0.0.1:{proxy.plain}")
    swapped = swapped.replace("PLAIN", f"127.0.0.1:{proxy.port}")
    with TLSClient(proxy.port, "one.test") as by_tls, RawClient(proxy.plain) as plain:
        assert scheme_of(proxy, by_tls) == b"https"
        assert scheme_of(proxy, plain) == b"http"
        if rests:
            assert by_tls.is_silent_for(0.4)
        proxy.file.write_text(swapped)
        proxy.reload()
        # The old port speaks no TLS any more, and the other one does; that goes for new connections.
        with RawClient(proxy.port) as client:
            assert scheme_of(proxy, client) == b"http"
        with TLSClient(proxy.plain, "one.test") as client:
            assert scheme_of(proxy, client) == b"https"
        assert scheme_of(proxy, by_tls) == b"https"
        assert scheme_of(proxy, plain) == b"http"


# Many certificates


def put_many(folder, count):
    """Certificates for site000000.test and so on. One is made; in the others the number is another
    one, so that their signatures are wrong, which is no business of who shows them."""
    folder.mkdir()
    issued = Authority(folder.parent / "many").issue("site000000.test")
    der = issued.der
    key = pathlib.Path(issued.key).read_text()
    assert der.count(b"site000000.test") == 2
    for number in range(count):
        name = b"site%06d.test" % number
        text = ssl.DER_cert_to_PEM_cert(der.replace(b"site000000.test", name))
        (folder / f"{number}.pem").write_text(text + key)


@pytest.mark.slow
def test_ten_thousand_certificates_are_served_and_cost_little(rsp, tmp_path):
    count = 10_000
    put_many(tmp_path / "certs", count)
    port = free_port()
    text = f"""
    workers(1)
    listen {{ "127.0.0.1:{port}", certificates = "certs/" }}
    site "*" {{ ["/"] = respond(200, "x") }}
    """
    proxy = rsp(text=text, port=port)
    # A parsed certificate with its key takes OpenSSL some 10 KiB; the names alone a few hundred bytes.
    assert proxy.memory < (1 << 20) * 60
    for number in (0, 1, 4711, count - 1):
        name = f"site{number:06d}.test"
        with TLSClient(port, name) as client:
            shown = client.socket.getpeercert(binary_form=True)
            assert name.encode() in shown
            assert client.exchange(request(host=name)).body == b"x"
