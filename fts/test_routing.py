"""Which site and which route a request belongs to: hosts, paths, and what is matched."""

import pytest

from harness.config import lua
from harness.messages import request, response
from harness.ports import free_port
from harness.server import always

NAMES = ["exact", "wildcard", "deeper", "any", "api", "regex", "first"]


@pytest.fixture
def routed(rsp, serve):
    """A Proxy with several sites; each server answers with its own name."""
    servers = {name: serve(always(response(name.encode()))) for name in NAMES}
    port = free_port()
    upstreams = [f"upstream {lua(name)} {{ {lua(servers[name].address)} }}" for name in NAMES]
    text = "\n".join(
        [
            "workers(1)",
            f'listen "127.0.0.1:{port}"',
            *upstreams,
            'site "a.example www.a.example" {',
            '  ["/"] = proxy "exact",',
            '  ["= /ping"] = proxy "first",',
            '  ["/api/"] = proxy "api",',
            '  ["~ ^/u/[0-9]+$"] = proxy "regex",',
            "}",
            'site "*.a.example" { ["/"] = proxy "wildcard" }',
            'site "*.x.a.example" { ["/"] = proxy "deeper" }',
            'site "*" { ["/only/"] = proxy "any" }',
            "",
        ]
    )
    proxy = rsp(text=text, port=port)
    proxy.servers = servers
    return proxy


def answer(proxy, host, target="/"):
    return proxy.exchange(request("GET", target, host=host)).body


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a.example", b"exact"),
        ("WWW.A.Example", b"exact"),
        ("a.example:8080", b"exact"),
        ("a.example.", b"exact"),
        ("b.a.example", b"wildcard"),
        ("c.b.a.example", b"wildcard"),
        ("b.x.a.example", b"deeper"),
        ("x.a.example", b"wildcard"),
    ],
)
def test_exact_names_come_before_the_longest_wildcard(routed, host, name):
    assert answer(routed, host) == name


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/ping", b"first"),
        ("/ping?x=/api/", b"first"),
        ("/ping/", b"exact"),
        ("/api/", b"api"),
        ("/api", b"exact"),
        ("/apiary", b"exact"),
        ("/u/12", b"regex"),
        ("/u/x", b"exact"),
    ],
)
def test_exact_paths_come_first_then_expressions_then_the_longest_prefix(routed, target, name):
    assert answer(routed, "a.example", target) == name


@pytest.mark.parametrize("target", ["/%61pi/x", "//api//x", "/y/../api/x", "/./api/x"])
def test_what_is_matched_is_what_is_forwarded(routed, target):
    assert answer(routed, "a.example", target) == b"api"
    assert routed.servers["api"].requests[0].target == b"/api/x"


def test_a_host_that_no_site_has_falls_to_the_star(routed):
    assert answer(routed, "other.example", "/only/x") == b"any"


def test_a_request_without_a_host_falls_to_the_star(routed):
    assert routed.exchange(b"GET /only/ HTTP/1.0\r\n\r\n").body == b"any"


def test_a_path_that_no_route_has_is_404_and_the_connection_stays(routed):
    with routed.client() as client:
        answer = client.exchange(request("GET", "/nowhere", host="other.example"))
        assert answer.status == 404 and b"close" not in answer.connection_options
        assert client.exchange(request("GET", "/only/", host="other.example")).status == 200


def test_requests_of_one_connection_are_routed_one_by_one(routed):
    with routed.client() as client:
        for host, name in [("a.example", b"exact"), ("b.a.example", b"wildcard")] * 2:
            assert client.exchange(request(host=host)).body == name


def test_the_authority_of_an_absolute_target_decides(routed):
    target = "http://b.a.example/x"
    assert answer(routed, "b.a.example", target) == b"wildcard"
    assert routed.servers["wildcard"].requests[0].target == b"/x"


def test_options_for_the_whole_server_go_to_the_route_of_the_root(routed):
    assert routed.exchange(request("OPTIONS", "*", host="a.example")).body == b"exact"
    assert routed.servers["exact"].requests[0].target == b"*"


def test_a_host_without_a_site_is_404(rsp):
    port = free_port()
    text = f'listen "127.0.0.1:{port}"\nsite "a" {{ ["/"] = proxy "127.0.0.1:1" }}\n'
    proxy = rsp(text=text, port=port)
    assert proxy.exchange(request(host="b")).status == 404


def test_an_expression_that_takes_too_many_steps_is_500_and_a_log_line(rsp, serve):
    server, port = serve(always(response(b"x"))), free_port()
    routes = f'["~ ^/(a+)+$"] = proxy {lua(server.address)}, ["/"] = proxy {lua(server.address)}'
    text = f'listen "127.0.0.1:{port}"\nsite "*" {{ {routes} }}\n'
    proxy = rsp(text=text, port=port)
    with proxy.client() as client:
        assert client.exchange(request("GET", "/" + "a" * 4000 + "!")).status == 500
        assert client.exchange(request("GET", "/b")).status == 200
    assert len(server.requests) == 1
    proxy.wait_for_log(r"error: site \"\*\": the route \"~ \^/\(a\+\)\+\$\" took too many steps")
