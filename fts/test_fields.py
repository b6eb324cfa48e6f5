"""Which fields are removed, which are added, and that all others pass untouched."""

import time
from email.utils import parsedate_to_datetime

import pytest

from harness.messages import Head, chunked, request, response
from harness.server import always

DATE = "Date: Sat, 21 Nov 2026 10:00:00 GMT"
FORWARDING = [
    b"X-Forwarded-For",
    b"X-Forwarded-Proto",
    b"X-Forwarded-Host",
    b"X-Real-IP",
    b"X-Request-ID",
]


def forwarded(rsp, serve, *lines, **options):
    """The request that arrives when one with these lines is sent."""
    server = serve(always(response()))
    assert rsp(server, **options).exchange(request("GET", "/", *lines)).status == 200
    return server.requests[0]


def returned(rsp, serve, *lines):
    """The response that arrives when one with these lines is sent."""
    return rsp(serve(always(response(b"x", *lines)))).exchange(request())


# Hop by hop


@pytest.mark.parametrize(
    "line",
    [
        "Connection: keep-alive",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "TE: gzip",
        "Upgrade: h2c",
        "Proxy: http://evil.example/",
        "pRoXy: http://evil.example/",
    ],
)
def test_fields_of_one_hop_are_not_forwarded(rsp, serve, line):
    assert line.split(":")[0].encode() not in forwarded(rsp, serve, line)


@pytest.mark.parametrize(
    "line", ["Connection: foo", "Keep-Alive: timeout=5", "Proxy-Connection: close", "Upgrade: h2c"]
)
def test_fields_of_one_hop_are_not_returned(rsp, serve, line):
    assert line.split(":")[0].encode() not in returned(rsp, serve, line)


@pytest.mark.parametrize(
    "option", ["X-Mine", "x-mINE", "keep-alive, x-mine", "foo,x-mine ,bar", ",x-mine,"]
)
def test_fields_that_connection_names_are_removed_both_ways(rsp, serve, option):
    lines = ["X-Mine: 1", f"Connection: {option}", "X-Other: 2", "x-MINE: 3"]
    for head in (forwarded(rsp, serve, *lines), returned(rsp, serve, *lines)):
        assert b"X-Mine" not in head
        assert head.get(b"X-Other") == b"2"


def test_several_connection_fields_count_as_one(rsp, serve):
    asked = forwarded(rsp, serve, "Connection: a", "A: 1", "Connection: b", "B: 2", "C: 3")
    assert b"A" not in asked and b"B" not in asked and asked.get(b"C") == b"3"


@pytest.mark.parametrize("name", [*FORWARDING, b"Host", b"Authorization", b"Cookie"])
def test_connection_cannot_strip_what_the_server_relies_on(rsp, serve, name):
    lines = ["Authorization: Basic eDp5", "Cookie: a=b", f"Connection: close, {name.decode()}"]
    assert len(forwarded(rsp, serve, *lines).all(name)) == 1


@pytest.mark.parametrize("name", ["Content-Length", "content-length, close"])
def test_connection_cannot_strip_the_length(rsp, serve, name):
    server = serve(always(response()))
    proxy = rsp(server)
    with proxy.client() as client:
        sent = request("POST", "/", f"Connection: {name}", body=b"GET /smuggled HTTP/1.1\r\n\r\n")
        assert client.exchange(sent).status in (200, 400)
    assert proxy.exchange(request("GET", "/fence")).status == 200
    assert [asked.target for asked in server.requests] in ([b"/", b"/fence"], [b"/fence"])


def test_connection_cannot_strip_the_transfer_coding(rsp, serve):
    server = serve(always(response()))
    lines = ["Transfer-Encoding: chunked", "Connection: transfer-encoding"]
    answer = rsp(server).exchange(request("POST", "/", *lines) + chunked(b"hello"))
    assert answer.status in (200, 400)
    assert [asked.body for asked in server.requests] in ([b"hello"], [])


# Forwarding


def test_the_server_learns_who_asks_and_for_what(rsp, serve):
    asked = forwarded(rsp, serve)
    assert asked.get(b"X-Forwarded-For") == b"127.0.0.1"
    assert asked.get(b"X-Real-IP") == b"127.0.0.1"
    assert asked.get(b"X-Forwarded-Proto") == b"http"
    assert asked.get(b"X-Forwarded-Host") == b"example.com"
    assert asked.get(b"X-Request-ID")


@pytest.mark.parametrize("name", FORWARDING)
def test_what_a_client_says_of_itself_is_replaced(rsp, serve, name):
    lines = [f"{name.decode()}: 6.6.6.6", f"{name.decode().lower()}: 7.7.7.7"]
    values = forwarded(rsp, serve, *lines).all(name)
    assert len(values) == 1
    assert b"6.6.6.6" not in values[0] and b"7.7.7.7" not in values[0]


def test_no_forwarding_field_is_added_when_switched_off(rsp, serve):
    asked = forwarded(rsp, serve, forwarded_fields=False, request_id=False)
    assert asked.names == [b"Host"]


def test_the_request_id_is_an_option_of_its_own(rsp, serve):
    assert b"X-Request-ID" not in forwarded(rsp, serve, request_id=False)
    assert b"X-Real-IP" in forwarded(rsp, serve, request_id=False)
    assert b"X-Request-ID" in forwarded(rsp, serve, forwarded_fields=False)


def test_no_two_requests_have_the_same_id(rsp, serve):
    server = serve(always(response()))
    proxy = rsp(server, workers=2)
    for _ in range(20):
        with proxy.client() as client:
            for _ in range(5):
                assert client.exchange(request()).status == 200
    assert len({asked.get(b"X-Request-ID") for asked in server.requests}) == 100


def test_a_request_sent_again_keeps_its_id(rsp, serve):
    def script(connection):
        if connection.number > 0:
            return always(response(b"alive"))(connection)
        connection.read_request()
        connection.send(response(b"first"))
        connection.read_request()

    server = serve(script)
    with rsp(server).client() as client:
        client.exchange(request())
        assert client.exchange(request()).body == b"alive"
    ids = [asked.get(b"X-Request-ID") for asked in server.requests]
    assert len(ids) == 3 and ids[1] == ids[2] != ids[0]


def test_via_is_added_only_when_asked_for(rsp, serve):
    assert b"Via" not in forwarded(rsp, serve)
    (value,) = forwarded(rsp, serve, via=True).all(b"Via")
    assert value.startswith(b"1.1 ")


def test_via_comes_after_those_of_earlier_proxies(rsp, serve):
    values = b", ".join(forwarded(rsp, serve, "Via: 1.0 first", via=True).all(b"Via")).split(b", ")
    assert values[0] == b"1.0 first" and values[1].startswith(b"1.1 ") and len(values) == 2


def test_forwarded_is_added_only_when_asked_for(rsp, serve):
    assert b"Forwarded" not in forwarded(rsp, serve)
    value = forwarded(rsp, serve, forwarded=True).get(b"Forwarded").lower().replace(b'"', b"")
    assert {b"for=127.0.0.1", b"proto=http", b"host=example.com"} <= set(value.split(b";"))


def test_forwarded_of_a_client_is_replaced(rsp, serve):
    value = forwarded(rsp, serve, "Forwarded: for=6.6.6.6", forwarded=True).get(b"Forwarded")
    assert b"6.6.6.6" not in value and b"127.0.0.1" in value


# Host


@pytest.mark.parametrize("host", ["example.com", "EXAMPLE.com:8080", "[::1]:80", "1.2.3.4"])
def test_host_passes_unchanged(rsp, serve, host):
    server = serve(always(response()))
    assert rsp(server).exchange(request("GET", "/", host=host)).status == 200
    assert server.requests[0].get(b"Host") == host.encode()


def test_host_may_be_replaced(rsp, serve):
    asked = forwarded(rsp, serve, host="app.internal")
    assert asked.get(b"Host") == b"app.internal"
    assert asked.get(b"X-Forwarded-Host") == b"example.com"


# All others


def test_order_case_and_repetition_are_preserved_both_ways(rsp, serve):
    lines = [f"{name}: {n}" for n, name in enumerate("b A zZ a-1 COOKIE b cookie Accept".split())]
    lines.insert(4, "Connection: gone")
    lines.insert(6, "Gone: 1")
    kept = [line.split(": ")[0].encode() for line in lines if "one" not in line]
    asked = forwarded(rsp, serve, *lines, forwarded_fields=False, request_id=False)
    assert asked.names == [b"Host", *kept]
    assert returned(rsp, serve, *lines, DATE).names == [*kept, b"Date", b"Content-Length"]


def test_two_cookies_are_set_by_two_fields(rsp, serve):
    answer = returned(rsp, serve, "Set-Cookie: a=1, b", "Set-Cookie: c=2")
    assert answer.all(b"Set-Cookie") == [b"a=1, b", b"c=2"]


@pytest.mark.parametrize(
    "value", ["", "\xe4\xf6\xfc \xff", '"a, b"; c=\td', "a" * 7000, "::", ";,;"]
)
def test_any_legal_value_passes_unchanged_both_ways(rsp, serve, value):
    wanted = value.encode("latin-1")
    assert forwarded(rsp, serve, f"A: {value}").get(b"A") == wanted
    assert returned(rsp, serve, f"A: {value}").get(b"A") == wanted


@pytest.mark.parametrize("line", ["A:b", "A: b", "A:\tb", "A:   b", "A: b ", "A: b\t \t"])
def test_blanks_around_a_value_do_not_belong_to_it(rsp, serve, line):
    assert forwarded(rsp, serve, line).get(b"A") == b"b"


def test_every_character_of_a_token_may_be_in_a_name(rsp, serve):
    name = "a!#$%&'*+-^`|~9Z"
    assert forwarded(rsp, serve, f"{name}: b").get(name.encode()) == b"b"


@pytest.mark.parametrize("name", ["X_Real_IP", "a_b", "_", "a.b", "X-Forwarded_For"])
def test_names_that_servers_confuse_are_dropped_unless_allowed(rsp, serve, name):
    wanted = name.encode()
    assert wanted not in forwarded(rsp, serve, f"{name}: 1", "Good: 2")
    asked = forwarded(rsp, serve, f"{name}: 1", "Good: 2", underscores_in_fields=True)
    assert asked.get(wanted) == b"1"


def test_names_with_an_underscore_are_returned(rsp, serve):
    assert returned(rsp, serve, "a_b: 1").get(b"a_b") == b"1"


def test_a_response_gets_no_field_that_its_server_did_not_send(rsp, serve):
    sent = b"HTTP/1.1 200 OK\r\n" + DATE.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    answer = rsp(serve(always(sent))).exchange(request())
    assert answer.fields == Head(sent).fields


def test_a_response_without_a_date_gets_one(rsp, serve):
    """RFC 9110 6.6.1: whoever forwards a response without a date adds the time it came."""
    (date,) = returned(rsp, serve).all(b"Date")
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - time.time()) < 60
