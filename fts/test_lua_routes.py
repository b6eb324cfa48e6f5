"""Lua functions as routes: what they get, what they may answer, and what they cannot break."""

import re

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import always


@pytest.fixture
def two(serve):
    """Two servers that say who they are."""
    return serve(always(response(b"a"))), serve(always(response(b"b")))


@pytest.fixture
def site(rsp, two):
    """Starts rsp with one site of the given routes, and upstreams `a` and `b`."""

    def start(routes, before="", workers=1):
        port = free_port()
        a, b = two
        text = f"""
workers({workers})
listen "127.0.0.1:{port}"
upstream "a" {{ "{a.address}" }}
upstream "b" {{ "{b.address}" }}
{before}
site "*" {{
{routes}
}}
"""
        return rsp(text=text, port=port)

    return start


def get(target="/", *lines, host="example.com"):
    return request("GET", target, *lines, host=host)


def body(proxy, data):
    return proxy.exchange(data).body


BETA = """
["/"] = function(request)
  return request.headers["x-beta"] and proxy "b" or proxy "a"
end
"""


def test_a_function_chooses_by_a_header(site):
    proxy = site(BETA)
    assert body(proxy, get()) == b"a"
    assert body(proxy, get("/", "X-Beta: 1")) == b"b"
    assert body(proxy, get("/", "x-BETA: ")) == b"b"
    assert body(proxy, get("/", "X-Beta2: 1")) == b"a"


def test_a_function_chooses_by_a_table_of_hosts(site):
    proxy = site(
        """["/"] = function(request) return chosen[request.host] or proxy "a" end""",
        before="""chosen = { ["b.example"] = proxy "b" }""",
    )
    assert body(proxy, get(host="b.example")) == b"b"
    assert body(proxy, get(host="B.EXAMPLE.:80")) == b"b"
    assert body(proxy, get(host="other.example")) == b"a"


def test_proxy_may_be_kept_in_a_local(site):
    proxy = site(
        """["/"] = function() return proxy "b" end""", before="local proxy = proxy"
    )
    assert body(proxy, get()) == b"b"


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("request.method", "GET"),
        ("request.scheme", "http"),
        ("request.host", "site.example"),
        ("request.path", "/x/z"),
        ("request.query", "q=1&r"),
        ("request.headers.host", "Site.example:8080"),
        ("request.headers['USER-AGENT']", "test"),
        ("request.headers.user_agent", "test"),
        ("request.headers.accept[1]", "one"),
        ("request.headers.accept[2]", "two"),
        ("#request.headers.accept", "2"),
        ("tostring(request.headers.absent)", "nil"),
        ("request.cookies.a", "1"),
        ("request.cookies.b", "2"),
        ("tostring(request.cookies.A)", "nil"),
        ("request.client_address", "127.0.0.1"),
        ("tostring(request.tls_server_name)", "nil"),
    ],
)
def test_a_function_gets_a_request(site, expression, expected):
    proxy = site(
        f"""["/"] = function(request)
          local value = {expression}
          if tostring(value) == [[{expected}]] then return proxy "a" end
          error("value is " .. tostring(value))
        end"""
    )
    data = get(
        "/x/./y/../z?q=1&r",
        "User-Agent: test",
        "Accept: one",
        "Accept: two",
        "Cookie: a=1; b=2",
        host="Site.example:8080",
    )
    answer = proxy.exchange(data)
    assert answer.status == 200, proxy.logged("failed")


def test_a_field_that_is_not_forwarded_is_not_shown(site):
    routes = 'function(request) return request.headers.x_admin and proxy "b" or proxy "a" end'
    proxy = site(
        f"""["/"] = {routes}, ["/all"] = {{ {routes}, underscores_in_fields = true }}"""
    )
    assert body(proxy, get("/all", "X_Admin: 1")) == b"b"
    assert body(proxy, get("/", "X_Admin: 1")) == b"a"
    assert body(proxy, get("/", "X-Admin: 1")) == b"b"


@pytest.mark.parametrize(
    "code, message",
    [
        ("local t\nreturn t.x", "rsp1.lua:10: attempt to index local 't' (a nil value)"),
        ('error("no")', "rsp1.lua:9: no"),
        ('error({ "no" })', "(error object is a table value)"),
        ("return nil", "rsp1.lua:8) failed: it returned nil, which is no action"),
        ('return "a"', "rsp1.lua:8) failed: it returned a string, which is no action"),
        ('return proxy "c"', 'rsp1.lua:8) failed: proxy: "c": no such upstream has this name'),
        ("request.path = 1", "rsp1.lua:9: request is read only"),
        ("request.headers.a = 1", "rsp1.lua:9: request.headers is read only"),
        ("return request.pth", 'rsp1.lua:9: request has no field "pth"'),
        ("while true do end", "rsp1.lua:9: the function has executed more than"),
        ("return ('x'):rep(1e9)", "rsp1.lua:8) failed: not enough memory"),
        ("count = 1", 'rsp1.lua:9: global "count" cannot be set'),
        ("string.x = 1", 'rsp1.lua:9: field of string "x" cannot be set'),
        ('return os.execute("true")', "attempt to index global 'os'"),
        ('return site "x" {}', "rsp1.lua:9: a statement of the configuration"),
    ],
)
def test_an_error_is_a_500_for_that_request_only(site, code, message):
    proxy = site(
        f"""["/bad"] = function(request)
{code}
end,
["/"] = function() return proxy "a" end"""
    )
    with proxy.client() as client:
        client.send(get("/bad"))
        answer = client.read_response()
        assert answer.status == 500
        assert b"lua" not in answer.body and b"traceback" not in answer.body
        client.send(get())
        assert client.read_response().body == b"a"
    line = proxy.wait_for_log('function of route "/bad"')
    assert message in line and line.count("\n") <= 1


def test_the_log_tells_the_calls_that_led_to_an_error(site):
    proxy = site(
        """["/"] = function(request) return inner(request) .. "x" end""",
        before="""function inner(request)
  error("deep")
end""",
    )
    assert proxy.exchange(get()).status == 500
    line = proxy.wait_for_log("deep")
    assert re.search(r"rsp1.lua:7: deep .called from: .*rsp1.lua:7: in function 'inner'; .*rsp1.lua:10: in", line)


def test_other_requests_flow_while_a_function_never_ends(site):
    proxy = site(
        """["/bad"] = function() while true do pcall(function() while true do end end) end end,
["/"] = function() return proxy "a" end"""
    )
    with proxy.client() as endless, proxy.client() as other:
        for _ in range(20):
            endless.send(get("/bad"))
            other.send(get())
            assert other.read_response().body == b"a"
            assert endless.read_response().status == 500


def test_the_budget_is_an_option(site):
    loop = "function() local n = 0 for i = 1, 10000 do n = n + i end return proxy 'a' end"
    proxy = site(
        f"""["/few"] = {{ {loop}, lua_budget = 1000 }},
["/many"] = {{ {loop}, lua_budget = 100000 }},
["/"] = {loop}"""
    )
    assert proxy.exchange(get("/few")).status == 500
    assert proxy.exchange(get("/many")).status == 200
    assert proxy.exchange(get()).status == 200
    line = proxy.wait_for_log("more than 1000 instructions")
    assert "(lua_budget)" in line


def test_globals_do_not_leak_from_one_request_to_the_next(site):
    proxy = site(
        """["/set"] = function() pcall(function() leaked = 1 end) return proxy "a" end,
["/raw"] = function() pcall(rawset, _G, "leaked", 1) return proxy "a" end,
["/get"] = function() return leaked and proxy "b" or proxy "a" end"""
    )
    for target in "/set", "/raw":
        assert body(proxy, get(target)) == b"a"
    assert body(proxy, get("/get")) == b"a"


def test_a_request_is_of_no_use_after_its_function(site):
    proxy = site(
        """["/"] = function(request)
  kept.iterator = kept.iterator or coroutine.wrap(function() return request.path end)
  return proxy "a"
end""",
        before="kept = {}",
    )
    # `kept` was made with the configuration: such tables are the worker's own memory.
    assert body(proxy, get()) == b"a"


def test_every_worker_has_the_functions(site):
    proxy = site(BETA, workers=2)
    for _ in range(20):
        assert body(proxy, get("/", "X-Beta: 1")) == b"b"


def test_the_environment_and_modules_can_be_read_while_the_configuration_is_loaded(
    rsp, two, tmp_path
):
    port = free_port()
    (tmp_path / "choice.lua").write_text("return { [os.getenv('PATH') and '/x'] = true }\n")
    text = f"""
        listen "127.0.0.1:{port}"
        upstream "a" {{ "{two[0].address}" }}
        local choice = require "choice"
        site "*" {{ ["/"] = function(request)
          assert(require "choice" == choice and not pcall(require, "other"))
          return choice[request.path] and proxy "a"
        end }}
    """
    proxy = rsp(text=text, port=port)
    assert body(proxy, get("/x")) == b"a"
    assert proxy.exchange(get("/y")).status == 500
