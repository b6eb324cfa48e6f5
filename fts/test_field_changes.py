"""Fields that the configuration changes, prefixes it strips, and proxies it trusts."""

import pytest

from harness.config import lua
from harness.messages import request, response
from harness.ports import free_port
from harness.server import always


@pytest.fixture
def changed(rsp, serve):
    """changed(route options, listener options, answer) -> a Proxy; its server is `proxy.server`."""

    def start(route="", listener="", answer=None):
        server, port = serve(always(answer or response(b"x"))), free_port()
        text = (
            f'workers(1)\nlisten {{ "127.0.0.1:{port}", {listener} }}\n'
            f'site "*" {{ ["/"] = {{ proxy {lua(server.address)}, {route} }} }}\n'
        )
        proxy = rsp(text=text, port=port)
        proxy.server = server
        return proxy

    return start


def test_request_fields_are_removed_set_and_added(changed):
    proxy = changed(
        'request_headers = { remove = { "Cookie" }, '
        'set = { ["X-Client"] = "$remote_addr $host" }, add = { ["X-Tag"] = "b" } }'
    )
    proxy.exchange(request("GET", "/", "Cookie: a=b", "X-Client: forged", "X-Tag: a", host="H.x"))
    asked = proxy.server.requests[0]
    assert b"Cookie" not in asked
    assert asked.get(b"X-Client") == b"127.0.0.1 h.x"
    assert asked.all(b"X-Tag") == [b"a", b"b"]


def test_response_fields_are_removed_set_and_added(changed):
    proxy = changed(
        'response_headers = { remove = { "Server" }, set = { ["X-Status"] = "$status $uri" }, '
        'add = { ["Set-Cookie"] = "b" } }',
        answer=response(b"x", "Server: secret", "Set-Cookie: a", "X-Status: 1"),
    )
    answer = proxy.exchange(request("GET", "/a//b"))
    assert b"Server" not in answer
    assert answer.get(b"X-Status") == b"200 /a/b"
    assert answer.all(b"Set-Cookie") == [b"a", b"b"]


def test_a_value_that_is_empty_sends_no_field(changed):
    proxy = changed('request_headers = { set = { ["X-None"] = "$http_x_other" } }')
    proxy.exchange(request("GET", "/", "X-None: 1"))
    assert b"X-None" not in proxy.server.requests[0]


def test_a_head_that_grows_too_large_is_431_and_nothing_is_sent(changed):
    value = "$http_x_long" * 15
    proxy = changed(f'request_headers = {{ set = {{ A = "{value}", B = "{value}" }} }}')
    assert proxy.exchange(request("GET", "/", "X-Long: " + "x" * 8000)).status == 431
    assert proxy.exchange(request()).status == 200
    assert len(proxy.server.requests) == 1


@pytest.mark.parametrize(
    ("target", "sent"),
    [("/api/x?q", b"/x?q"), ("/api?q", b"/?q"), ("/apiary", b"/apiary"), ("//api//x", b"/x")],
)
def test_a_prefix_is_stripped_by_whole_segments(changed, target, sent):
    proxy = changed('strip_prefix = "/api"')
    proxy.exchange(request("GET", target))
    assert proxy.server.requests[0].target == sent


# Trusted proxies


def test_what_a_trusted_proxy_says_is_continued(changed):
    proxy = changed(listener='trusted = { "127.0.0.0/8" }')
    lines = ["X-Forwarded-For: 9.9.9.9, 198.51.100.1", "X-Forwarded-Proto: https"]
    proxy.exchange(request("GET", "/", *lines, "X-Request-ID: abc-1", "X-Real-IP: 9.9.9.9"))
    asked = proxy.server.requests[0]
    assert asked.get(b"X-Forwarded-For") == b"9.9.9.9, 198.51.100.1, 127.0.0.1"
    assert asked.get(b"X-Forwarded-Proto") == b"https"
    assert asked.get(b"X-Real-IP") == b"198.51.100.1"
    assert asked.get(b"X-Request-ID") == b"abc-1"


def test_what_anybody_else_says_is_replaced(changed):
    proxy = changed(listener='trusted = { "10.0.0.0/8" }')
    lines = ["X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "X-Request-ID: mine"]
    proxy.exchange(request("GET", "/", *lines))
    asked = proxy.server.requests[0]
    assert asked.get(b"X-Forwarded-For") == b"127.0.0.1"
    assert asked.get(b"X-Forwarded-Proto") == b"http"
    assert asked.get(b"X-Request-ID") != b"mine"
