"""redirect_https and hsts, as far as they need no TLS of our own: behind a proxy that ends it."""

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import always


@pytest.fixture
def behind(rsp, serve):
    """behind(route options) -> a Proxy that trusts us as a proxy before it."""

    def start(route, listener='trusted = "127.0.0.1"', answer=None):
        server, port = serve(always(answer or response(b"hello"))), free_port()
        proxy = rsp(
            text=f"""
            workers(1)
            listen {{ "127.0.0.1:{port}", {listener} }}
            site "*" {{
              ["/"] = {{ proxy "{server.address}", {route} }},
              ["/.well-known/acme-challenge/"] = {{
                proxy "{server.address}", redirect_https = false
              }},
            }}
            """,
            port=port,
        )
        proxy.server = server
        return proxy

    return start


def test_a_request_without_tls_is_redirected_and_reaches_no_server(behind):
    proxy = behind("redirect_https = true")
    moved = proxy.exchange(request("POST", "/a//b?c=%20", body=b"x", host="Shop.test"))
    assert moved.status == 308
    assert moved.get(b"Location") == b"https://shop.test/a//b?c=%20"
    assert not proxy.server.requests


def test_the_connection_goes_on_after_a_redirect(behind):
    proxy = behind("redirect_https = true")
    with proxy.client() as client:
        for _ in range(3):
            assert client.exchange(request(host="shop.test")).status == 308


def test_what_a_trusted_proxy_says_counts(behind):
    proxy = behind("redirect_https = true, hsts = true")
    served = proxy.exchange(request("GET", "/", "X-Forwarded-Proto: https", host="shop.test"))
    assert served.body == b"hello"
    assert served.get(b"Strict-Transport-Security") == b"max-age=31536000"
    moved = proxy.exchange(request("GET", "/", "X-Forwarded-Proto: http", host="shop.test"))
    assert moved.status == 308
    assert b"Strict-Transport-Security" not in moved


def test_what_others_say_does_not(behind):
    proxy = behind("redirect_https = true", listener="")
    asked = request("GET", "/", "X-Forwarded-Proto: https", host="shop.test")
    assert proxy.exchange(asked).status == 308


def test_a_route_may_be_left_out(behind):
    proxy = behind("redirect_https = true")
    target = "/.well-known/acme-challenge/token"
    assert proxy.exchange(request("GET", target, host="shop.test")).body == b"hello"


def test_a_servers_own_policy_stays(behind):
    answer = response(b"", "Strict-Transport-Security: max-age=5")
    proxy = behind("hsts = true", answer=answer)
    served = proxy.exchange(request("GET", "/", "X-Forwarded-Proto: https", host="shop.test"))
    assert served.all(b"Strict-Transport-Security") == [b"max-age=5"]


def test_the_header_cannot_send_a_client_elsewhere(behind):
    proxy = behind("redirect_https = true")
    for host in ("shop.test@evil.test", "shop.test/evil", "shop.test, evil.test"):
        assert proxy.exchange(request(host=host)).status == 400
    moved = proxy.exchange(request("GET", "//evil.test/x", host="shop.test"))
    assert moved.get(b"Location") == b"https://shop.test//evil.test/x"
