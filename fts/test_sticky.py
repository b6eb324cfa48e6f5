"""Sessions: a cookie that brings a client back to its server."""

import re

import pytest

from harness.messages import request
from test_balancing import upstream

SECRETS = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"]


@pytest.fixture
def site(rsp, backends):
    """site(options) -> the Proxy and its three servers."""

    def start(options="true", servers=None, **more):
        servers = servers or backends("a", "b", "c")
        arguments = upstream([s.address for s in servers], sticky=options, **more)
        return rsp(**arguments), servers

    return start


def ask(proxy, cookie=None):
    """The server's name, and the cookie line that came with the answer."""
    answer = proxy.exchange(request("GET", "/", *([f"Cookie: {cookie}"] if cookie else [])))
    assert answer.status == 200
    line = answer.get(b"Set-Cookie")
    return answer.body.decode().strip(), line.decode() if line else None


def pair(line):
    return line.split(";")[0]


def test_a_client_stays_on_its_server(site):
    proxy, _ = site()
    for _ in range(10):
        home, line = ask(proxy)
        for _ in range(5):
            assert ask(proxy, f"a=b; {pair(line)}; c=d") == (home, None)


def test_the_cookie_names_nothing_and_is_well_behaved(site):
    proxy, servers = site('{ cookie = "node", max_age = "1h", secure = true }')
    _, line = ask(proxy)
    match = re.fullmatch(r"node=([\w-]{22})((?:; [\w=/-]+)*)", line)
    assert match
    attributes = set(match[2].split("; ")[1:])
    assert attributes == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=3600"}
    for server in servers:
        assert str(server.port) not in line


@pytest.mark.parametrize("cookie", ["rsp_server=x", "rsp_server=" + "A" * 22, "rsp_server", "a=b"])
def test_a_cookie_that_is_none_of_ours_is_void(site, cookie):
    proxy, _ = site()
    _, line = ask(proxy, cookie)
    assert line is not None


def test_a_session_moves_when_its_server_dies(site):
    proxy, servers = site()
    home, line = ask(proxy)
    next(server for server in servers if server.name == home).kill()
    other, renewed = ask(proxy, pair(line))
    assert other != home
    assert pair(renewed) != pair(line)
    for _ in range(5):
        assert ask(proxy, pair(renewed)) == (other, None)


def test_a_secret_outlives_the_process_and_an_old_one_is_renewed(site):
    first, servers = site(f'{{ secret = "{SECRETS[0]}" }}')
    home, line = ask(first)
    same, _ = site(f'{{ secret = "{SECRETS[0]}" }}', servers)
    assert ask(same, pair(line)) == (home, None)
    rolled, _ = site(f'{{ secret = {{ "{SECRETS[1]}", "{SECRETS[0]}" }} }}', servers)
    again, renewed = ask(rolled, pair(line))
    assert again == home
    assert pair(renewed) != pair(line)
    assert ask(rolled, pair(renewed)) == (home, None)


def test_a_process_key_is_its_own(site):
    first, servers = site()
    _, line = ask(first)
    second, _ = site("true", servers)
    assert ask(second, pair(line))[1] is not None


def test_the_server_is_told_of_the_cookie(site):
    """It is a cookie like any other: taking it out would cost more than it harms."""
    proxy, _ = site()
    _, line = ask(proxy)
    answer = proxy.exchange(request("GET", "/echo", f"Cookie: {pair(line)}"))
    assert pair(line).encode() in answer.body


def test_a_websocket_gets_the_cookie_too(site):
    proxy, _ = site()
    lines = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    with proxy.client() as client:
        client.send(request("GET", "/", *lines))
        head = client.read_head()
        assert b" 101 " in head
        assert b"Set-Cookie: rsp_server=" in head
