"""The configuration language, as far as one site with one route needs it."""

import os
import re

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.proxy import run
from harness.server import always


def accepts_body(proxy, size):
    answer = proxy.exchange(request("POST", "/", body=b"x" * size))
    assert answer.status in (200, 413)
    return answer.status == 200


def test_the_three_globals_of_the_original_are_enough(rsp, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    text = f'listenPort = "{port}"\nbackendAddress = "127.0.0.1"\nbackendPort = "{server.port}"\n'
    proxy = rsp(text=text, port=port)
    assert proxy.exchange(request()).body == b"hello"
    assert f"Started.  Listening on port {port}." in proxy.logged("Started")[0]


def test_the_globals_may_be_numbers(rsp, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    text = f'listenPort = {port}\nbackendAddress = "127.0.0.1"\nbackendPort = {server.port}\n'
    assert rsp(text=text, port=port).exchange(request()).body == b"hello"


def test_a_configuration_is_a_program(rsp, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    text = f"""
        local routes = {{}}
        for _, path in ipairs {{ "/" }} do routes[path] = proxy "app" end
        assert(os.getenv("PATH") == {os.environ["PATH"]!r})
        listen("127.0.0.1:" .. ({port} + 0))
        upstream "app" {{ string.format("127.0.0.1:%d", {server.port}) }}
        site "*" (routes)
    """
    assert rsp(text=text, port=port).exchange(request()).body == b"hello"


def test_require_finds_modules_beside_the_configuration(rsp, serve, tmp_path):
    server, port = serve(always(response(b"hello"))), free_port()
    (tmp_path / "addresses.lua").write_text(f'return {{ app = "{server.address}" }}\n')
    text = f"""
        listen "127.0.0.1:{port}"
        upstream "app" {{ require("addresses").app }}
        site "*" {{ ["/"] = proxy "app" }}
    """
    assert rsp(text=text, port=port).exchange(request()).body == b"hello"


def test_proxy_takes_an_address_as_well(rsp, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    text = f'listen "127.0.0.1:{port}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}\n'
    assert rsp(text=text, port=port).exchange(request()).body == b"hello"


def test_statements_may_come_in_any_order(rsp, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    text = f"""
        site "*" {{ ["/"] = proxy "app" }}
        upstream "app" {{ "{server.address}" }}
        listen "127.0.0.1:{port}"
    """
    assert rsp(text=text, port=port).exchange(request()).body == b"hello"


@pytest.mark.parametrize("form", ["{port}", ":{port}"])
def test_a_bare_port_listens_on_ipv4_and_ipv6(rsp, serve, form):
    server, port = serve(always(response(b"hello"))), free_port()
    proxy = rsp(server, listen=form.format(port=port), port=port)
    for host in ("127.0.0.1", "::1"):
        with proxy.client(host=host) as client:
            assert client.exchange(request()).status == 200


def test_an_address_listens_there_only(rsp, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    proxy = rsp(server, listen=f"[::1]:{port}", port=port)
    with proxy.client(host="::1") as client:
        assert client.exchange(request()).status == 200
    with pytest.raises(ConnectionRefusedError):
        proxy.client(host="127.0.0.1")


def test_several_listeners_serve_the_same_site(rsp, serve):
    server, port, second = serve(always(response(b"hello"))), free_port(), free_port()
    text = f"""
        listen "127.0.0.1:{port}"
        listen {{ "127.0.0.1:{second}", keepalive_requests = 1 }}
        upstream "app" {{ "{server.address}" }}
        site "*" {{ ["/"] = proxy "app" }}
    """
    proxy = rsp(text=text, port=port)
    assert proxy.exchange(request()).connection_options == set()
    proxy.port = second
    assert proxy.exchange(request()).connection_options == {b"close"}


def test_an_option_is_looked_up_on_the_route_then_the_site_then_the_defaults(rsp, serve):
    server = serve(always(response()))
    for levels, accepted in [((1, 2, 3), 30), ((1, 3, None), 30), ((3, None, None), 30)]:
        defaults, site, route = (f"max_body = {n * 10}," if n else "" for n in levels)
        port = free_port()
        text = f"""
            defaults {{ {defaults} }}
            listen "127.0.0.1:{port}"
            upstream "app" {{ "{server.address}" }}
            site "*" {{ ["/"] = {{ proxy "app", {route} }}, {site} }}
        """
        proxy = rsp(text=text, port=port)
        assert accepts_body(proxy, accepted)
        assert not accepts_body(proxy, accepted + 1)


@pytest.mark.parametrize("size, bytes_", [("1k", 1024), ("2K", 2048), (100, 100), ("1m", 1 << 20)])
def test_sizes_have_units_of_1024_and_bare_numbers_are_bytes(rsp, serve, size, bytes_):
    proxy = rsp(serve(always(response())), max_body=size)
    assert accepts_body(proxy, bytes_)
    assert not accepts_body(proxy, bytes_ + 1)


WRONG = {
    "an unknown option": ('defaults { conect_timeout = "1s" }', r'did you mean "connect_timeout"'),
    "an option of the wrong type": ("defaults { retries = {} }", r"retries"),
    "a duration without a known unit": ('defaults { read_timeout = "3 weeks" }', r"read_timeout"),
    "a negative duration": ("defaults { read_timeout = -1 }", r"read_timeout"),
    "a size that is none": ('defaults { buffering = "much" }', r"buffering"),
    "a flag that is none": ('defaults { via = "yes please" }', r"via"),
    "a fraction of a retry": ("defaults { retries = 1.5 }", r"retries"),
    "no worker at all": ("workers(0)", r"workers"),
    "a listener option in the upstream": (
        'upstream "two" { "127.0.0.1:1", head_timeout = "1s" }',
        r"head_timeout",
    ),
    "an address without a port": ('upstream "two" { "127.0.0.1" }', r"127\.0\.0\.1"),
    "a port out of range": ('listen "127.0.0.1:65536"', r"65536"),
    "an address of no kind": ('listen "[::1:80"', r"\[::1:80"),
    "an upstream twice": ('upstream "app" { "127.0.0.1:2" }', r'"app"'),
    "an unknown statement": ('lisen "8000"', r"lisen"),
    "an error raised by the program": ('error("out of luck")', r"out of luck"),
    "a route to an unknown upstream": ('site "*" { ["/"] = proxy "nowhere" }', r'"nowhere"'),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_never_starts_and_is_told_with_its_line(tmp_path, name):
    line, message = WRONG[name]
    rest = 'listen "127.0.0.1:%d"\nupstream "app" { "127.0.0.1:1" }\n' % free_port()
    if not line.startswith("site"):
        rest += 'site "*" { ["/"] = proxy "app" }\n'
    path = tmp_path / "rsp.lua"
    path.write_text(rest + "\n\n" + line + "\n")
    number = rest.count("\n") + 3
    for arguments in (["check", path], [path]):
        result = run(*arguments)
        assert result.returncode == 1
        assert re.search(rf"rsp\.lua:{number}: .*{message}", result.stdout), result.stdout


def test_a_configuration_without_a_listener_never_starts(tmp_path):
    path = tmp_path / "rsp.lua"
    path.write_text('upstream "app" { "127.0.0.1:1" }\nsite "*" { ["/"] = proxy "app" }\n')
    assert run(path).returncode == 1


def test_debug_logging_is_an_option(rsp, serve):
    quiet = rsp(serve(always(response())))
    loud = rsp(serve(always(response())), log_level="debug")
    for proxy in (quiet, loud):
        assert proxy.exchange(request()).status == 200
        assert proxy.stop() == 0
    assert len(loud.log) > len(quiet.log)
