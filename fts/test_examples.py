"""The files of examples/ do what they promise. The chat has its own test_chat.py."""

import collections
import re
import signal

import pytest

from harness import tls_peers
from harness.certificates import Authority
from harness.client import RawClient
from harness.examples import FOLDER, placed
from harness.messages import request
from harness.ports import free_port
from harness.tls import TLSClient
from harness.waiting import wait_until


@pytest.fixture
def example(rsp):
    """example(name, {port in the example: server}) -> a Proxy that runs examples/NAME.lua, every
    server of it replaced by one of ours."""

    def start(name, servers, others=None, port=0, edit=lambda text: text):
        port = free_port() if port == 0 else port
        servers = {old: server.port for old, server in servers.items()}
        text = edit(placed(FOLDER / f"{name}.lua", port, servers, others))
        return rsp(text=text, port=port or next(iter(others.values())))

    return start


def ask(proxy, host, target="/", *lines):
    return proxy.exchange(request("GET", target, *lines, host=host))


def said(proxy, host, target="/", *lines):
    """Status and body, blanks apart."""
    answer = ask(proxy, host, target, *lines)
    return answer.status, answer.body.decode().strip()


def change(proxy, old, new):
    """Edits the configuration and has it loaded."""
    text = proxy.file.read_text()
    assert text.count(old) == 1
    proxy.file.write_text(text.replace(old, new))
    proxy.send_signal(signal.SIGHUP)


def test_several_sites(example, backends):
    shop, blog = backends("shop", "blog")
    proxy = example("several-sites", {9001: shop, 9002: blog})
    assert said(proxy, "shop.example") == (200, "shop")
    assert said(proxy, "SHOP.example:8000", "/a/b?c") == (200, "shop")
    assert said(proxy, "blog.example") == said(proxy, "a.b.blog.example") == (200, "blog")
    assert said(proxy, "shop.example", "/ping") == (200, "pong")
    assert said(proxy, "shop.example", "/ping/") == (200, "shop")
    assert said(proxy, "elsewhere.example") == (404, "There is no such site here.")
    moved = ask(proxy, "shop.example", "/news/today")
    assert (moved.status, moved.get(b"Location")) == (302, b"https://blog.example/")
    spelled = ask(proxy, "www.shop.example", "/a?b=c")
    assert (spelled.status, spelled.get(b"Location")) == (301, b"https://shop.example/a?b=c")


def test_blue_green(example, backends):
    blue, green = backends("blue", "green")
    proxy = example("blue-green", {9001: blue, 9002: green})
    assert said(proxy, "app.example") == (200, "blue")
    assert said(proxy, "preview.example") == (200, "green")
    with proxy.client() as slow:
        slow.send(request("GET", "/after/0.5", host="app.example"))
        wait_until(lambda: "GET /after/0.5 HTTP/1.1" in blue.requests, "the slow request")
        change(proxy, 'local live = "blue"', 'local live = "green"')
        wait_until(lambda: said(proxy, "app.example") == (200, "green"), "the new version")
        assert slow.read_response().body == b"blue\n"
    assert said(proxy, "preview.example") == (200, "blue")


def test_canary(example, backends):
    stable, canary = backends("stable", "canary")
    proxy = example("canary", {9001: stable, 9002: canary})
    counts = collections.Counter()
    with proxy.client() as client:
        for _ in range(200):
            counts[client.exchange(request(host="app.example")).body] += 1
    assert counts == {b"stable\n": 180, b"canary\n": 20}
    seen = ask(proxy, "app.example", "/canary/echo")
    assert seen.body.startswith(b"GET /echo HTTP/1.1\r\n")


def test_sticky(example, backends):
    servers = backends("a", "b", "c")
    proxy = example("sticky", dict(zip((9001, 9002, 9003), servers)))
    first = ask(proxy, "app.example")
    cookie, *attributes = first.get(b"Set-Cookie").decode().split("; ")
    assert cookie.startswith("server=") and str(servers[0].port) not in cookie
    for _ in range(20):
        again = ask(proxy, "app.example", "/", f"Cookie: a=b; {cookie}")
        assert again.body == first.body and b"Set-Cookie" not in again
    # New visitors are spread over all.
    seen = {ask(proxy, "app.example").body for _ in range(60)}
    assert seen == {b"a\n", b"b\n", b"c\n"}

    (own,) = [server for server in servers if server.name == first.body.decode().strip()]
    own.kill()
    moved = ask(proxy, "app.example", "/", f"Cookie: {cookie}")
    assert moved.status == 200 and moved.body != first.body
    assert moved.get(b"Set-Cookie").startswith(b"server=")


def test_maintenance(example, backends):
    (app,) = backends("app")
    proxy = example("maintenance", {9001: app})
    closed = ask(proxy, "app.example", "/any/where")
    assert (closed.status, closed.body) == (503, b"Back at noon.\n")
    assert closed.get(b"Retry-After") == b"3600"
    assert said(proxy, "shop.example") == (200, "app")
    app.kill()
    assert said(proxy, "shop.example") == (
        502,
        "The shop is restarting; please try again.",
    )


def test_the_maintenance_is_over(example, backends):
    (app,) = backends("app")
    proxy = example("maintenance", {9001: app})
    during, after = re.findall(r'^.*site "app.example".*$', proxy.file.read_text(), re.M)
    change(proxy, f"{during}\n{after}", after.removeprefix("-- "))
    wait_until(lambda: said(proxy, "app.example") == (200, "app"), "the site to be open")


def test_health_checks(example, backends):
    a, b, backup = servers = backends("a", "b", "backup")
    proxy = example("health-checks", dict(zip((9001, 9002, 9003), servers)))

    def seen():
        return {said(proxy, "app.example") for _ in range(12)}

    assert seen() == {(200, "a"), (200, "b")}
    a.set_health(503)
    wait_until(lambda: seen() == {(200, "b")}, "the unhealthy server to be left out")
    b.kill()
    # Not one request fails: the connection that is refused is tried elsewhere.
    assert seen() == {(200, "backup")}
    a.set_health(200)
    wait_until(lambda: seen() == {(200, "a")}, "the healthy server to be asked again")
    b.start()
    wait_until(lambda: seen() == {(200, "a"), (200, "b")}, "the server that came back")


def test_lua_routing(example, backends):
    europe, america = backends("europe", "america")
    proxy = example("lua-routing", {9001: europe, 9002: america})
    assert said(proxy, "berlin.example") == said(proxy, "Lisbon.example") == (200, "europe")
    assert said(proxy, "boston.example") == (200, "america")
    assert said(proxy, "berlin.example", "/", "Cookie: region=america") == (200, "america")
    assert said(proxy, "paris.example") == (404, "Nobody here is called paris.example.")


def test_hosting(example, backends):
    servers = backends("small1", "small2", "large")
    proxy = example("hosting", dict(zip((9001, 9002, 9003), servers)))
    small = {said(proxy, f"customer{number}.example") for number in range(1, 31)}
    assert small == {(200, "small1"), (200, "small2")}
    for host in ("customer100.example", "www.customer5000.example"):
        assert said(proxy, host) == (200, "large")
    assert said(proxy, "customer5001.example") == (404, "There is no customer of that name.")


def test_functions_decide_after_a_reload_too(example, backends):
    europe, america = backends("europe", "america")
    proxy = example("lua-routing", {9001: europe, 9002: america})
    change(proxy, '["boston.example"] = america', '["boston.example"] = europe')
    wait_until(lambda: said(proxy, "boston.example") == (200, "europe"), "the new table")


@pytest.fixture
def certs(tmp_path):
    """certs(name, ...) -> an Authority that has issued a certificate for each into certs/."""

    def issue(*lists):
        authority = Authority(tmp_path / "authority")
        (tmp_path / "certs").mkdir()
        for names in lists:
            issued = authority.issue(*names)
            (tmp_path / "certs" / f"{names[0]}.pem").write_text(issued.text)
        return authority

    return issue


def secure(port, host, target="/", authority=None):
    """What a client gets by TLS that believes `authority` alone, if one is given."""
    with TLSClient(port, host, authority) as client:
        return client.exchange(request("GET", target, host=host))


def test_tls(example, backends, certs):
    shop, blog = backends("shop", "blog")
    authority = certs(["shop.example", "*.shop.example"], ["blog.example"])
    tls = free_port()
    proxy = example("tls", {9001: shop, 9002: blog}, {8443: tls})
    for host, body in [("shop.example", b"shop"), ("a.shop.example", b"shop"),
                       ("blog.example", b"blog")]:  # fmt: skip
        answer = secure(tls, host, authority=authority)
        assert answer.body.strip() == body
        policy = answer.get(b"Strict-Transport-Security")
        assert policy == (None if host == "blog.example" else b"max-age=15552000")
        moved = ask(proxy, host, "/a?b")
        assert (moved.status, moved.get(b"Location")) == (308, f"https://{host}/a?b".encode())
    assert said(proxy, "blog.example", "/feed.xml") == (200, "blog")


def test_passthrough(example, backends, certs, tmp_path, peers):
    (shop,) = backends("shop")
    authority = certs(["shop.example"])
    theirs = tls_peers.make_certificate(tmp_path, "bank.example")
    bank = tls_peers.TLSServer(theirs, reads_header=True)
    peers.callback(bank.stop)
    tls = free_port()
    proxy = example("passthrough", {9001: shop, 9443: bank}, {8443: tls})
    assert secure(tls, "shop.example", authority=authority).body.strip() == b"shop"
    with tls_peers.connect(tls, "bank.example", theirs) as client:
        assert tls_peers.ask(client, b"balance\n") == b"hello: balance\n"
    (header,) = bank.headers
    assert header[16:20] == bytes([127, 0, 0, 1])
    moved = ask(proxy, "bank.example", "/a")
    assert (moved.status, moved.get(b"Location")) == (308, b"https://bank.example/a")


def test_tcp(example, serve):
    def speaking(name):
        def script(connection):
            connection.send(name)
            connection.read_to_end()

        return serve(script)

    primary, standby = speaking(b"primary"), speaking(b"standby")
    port = free_port()
    example("tcp", {9001: primary, 9002: standby}, {5432: port}, port=None)

    def greeted_by():
        with RawClient(port) as client:
            return client.read_exactly(7)

    assert greeted_by() == b"primary"
    primary.stop_listening()
    wait_until(lambda: greeted_by() == b"standby", "the standby")


def test_acme(example, backends):
    """Without an authority, that is; test_acme.py has one."""
    (shop,) = backends("shop")
    tls = free_port()

    def edit(text):
        assert "https://acme-staging" in text
        return re.sub(r'"https://acme-staging[^"]*"', '"https://127.0.0.1:9/directory"', text)

    proxy = example("acme", {9001: shop}, {8443: tls}, edit=edit)
    assert secure(tls, "shop.example").body.strip() == b"shop"
    assert ask(proxy, "www.shop.example").status == 308
