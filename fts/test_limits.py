"""Limits of size and of time, each met from both sides, with the answer that belongs to it."""

import time

import pytest

from harness.messages import chunked, request, response
from harness.server import always
from harness.waiting import wait_until


def status_of(proxy, sent):
    """The status of the answer, which closes the connection when it is a refusal."""
    with proxy.client() as client:
        client.send_as_far_as_possible(sent)
        answer = client.read_response()
        if answer.status >= 400:
            assert b"close" in answer.connection_options
            assert 0 < len(answer.body) < 2000
            client.read_to_cut()
        return answer.status


# The head. A limit may or may not count the CRLF: what is within it under both readings must
# pass, what is over it under both must not.


@pytest.mark.parametrize("options, limit", [({}, 8192), ({"max_line": "1k"}, 1024)])
def test_a_request_line_over_the_limit_gets_414(rsp, serve, options, limit):
    proxy = rsp(serve(always(response())), **options)
    fixed = len("GET / HTTP/1.1")
    assert status_of(proxy, request("GET", "/" + "a" * (limit - 2 - fixed))) == 200
    assert status_of(proxy, request("GET", "/" + "a" * (limit + 1 - fixed))) == 414


def test_an_endless_request_line_gets_414(rsp, serve):
    server = serve(always(response()))
    assert status_of(rsp(server), b"GET /" + b"a" * 20_000) == 414
    assert server.received == b""


@pytest.mark.parametrize("options, limit", [({}, 8192), ({"max_line": "1k"}, 1024)])
def test_a_field_line_over_the_limit_gets_431(rsp, serve, options, limit):
    proxy = rsp(serve(always(response())), **options)
    assert status_of(proxy, request("GET", "/", "A: " + "a" * (limit - 2 - 3))) == 200
    assert status_of(proxy, request("GET", "/", "A: " + "a" * (limit + 1 - 3))) == 431


def test_an_endless_field_gets_431(rsp, serve):
    server = serve(always(response()))
    assert status_of(rsp(server), b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 20_000) == 431
    assert status_of(rsp(server), b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a" * 20_000) == 431
    assert server.received == b""


@pytest.mark.parametrize("options, limit", [({}, 100), ({"max_fields": 10}, 10)])
def test_too_many_fields_get_431(rsp, serve, options, limit):
    proxy = rsp(serve(always(response())), **options)
    lines = [f"A{number}: b" for number in range(limit)]
    # Host is a field, too.
    assert status_of(proxy, request("GET", "/", *lines[:-1])) == 200
    assert status_of(proxy, request("GET", "/", *lines)) == 431


@pytest.mark.parametrize("options, limit", [({}, 32768), ({"max_head": "4k"}, 4096)])
def test_a_head_over_the_limit_gets_431(rsp, serve, options, limit):
    proxy = rsp(serve(always(response())), **options)

    def head_of(size):
        lines = ["A: " + "a" * 1000] * (limit // 1100)
        return request(
            "GET", "/", *lines, "B: " + "b" * (size - len(request("GET", "/", *lines, "B: ")))
        )

    assert len(head_of(limit)) == limit
    assert status_of(proxy, head_of(limit)) == 200
    # The first byte over it is taken for an overflow even without the empty line.
    assert status_of(proxy, head_of(limit + 5)) == 431


def test_a_head_of_endless_small_fields_gets_431(rsp, serve):
    sent = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: %s\r\n" % (b"b" * 50) * 900
    assert status_of(rsp(serve(always(response())), max_fields=1000), sent) == 431


# The body


def test_a_body_over_max_body_gets_413(rsp, serve):
    server = serve(always(response()))
    proxy = rsp(server, max_body="1k")
    assert status_of(proxy, request("POST", "/", body=bytes(1024))) == 200
    assert status_of(proxy, request("POST", "/", body=bytes(1025))) == 413
    assert len(server.requests) == 1 and len(server.connections) == 1


def test_a_length_over_max_body_gets_413_without_the_body(rsp, serve):
    server = serve(always(response()))
    sent = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"
    assert status_of(rsp(server, max_body="1k"), sent) == 413
    assert server.received == b""


def test_a_length_over_max_body_gets_413_instead_of_continue(rsp, serve):
    server = serve(always(response()))
    sent = request("POST", "/", "Expect: 100-continue", "Content-Length: 1025")
    assert status_of(rsp(server, max_body="1k"), sent) == 413
    assert server.received == b""


def test_a_chunked_body_over_max_body_gets_413(rsp, serve):
    server = serve(always(response()))
    proxy = rsp(server, max_body="1k")
    head = request("POST", "/", "Transfer-Encoding: chunked")
    assert status_of(proxy, head + chunked(bytes(1000), bytes(24))) == 200
    assert status_of(proxy, head + chunked(bytes(1000), bytes(25))) == 413
    assert len(server.requests) == 1


def test_a_body_has_no_limit_without_max_body(rsp, serve):
    server = serve(always(response()))
    assert rsp(server).exchange(request("POST", "/", body=bytes(5 << 20))).status == 200
    assert len(server.requests[0].body) == 5 << 20


# Time: the head


def test_a_head_that_never_ends_gets_408(rsp, serve):
    server = serve(always(response()))
    with rsp(server, head_timeout="300ms").client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        answer = client.read_response()
        assert answer.status == 408 and answer.body
        assert b"close" in answer.connection_options
        assert client.wait_closed()
    assert server.received == b""


def test_the_time_for_a_head_counts_in_total(rsp, serve):
    """Slowloris: each byte comes in time, the head as a whole does not."""
    with rsp(serve(always(response())), head_timeout="500ms").client() as client:
        client.drip(b"GET / HTTP/1.1\r\nA: " + b"b" * 200, every=0.05, until_cut=True)
        assert client.read_to_cut().startswith(b"HTTP/1.1 408 ")


def test_the_time_for_a_head_counts_for_every_request_of_a_connection(rsp, serve):
    with rsp(serve(always(response())), head_timeout="300ms").client() as client:
        assert client.exchange(request()).status == 200
        client.send(b"GET / HTTP/1.1\r\n")
        assert client.read_response().status == 408


def test_a_slow_head_within_the_time_is_taken(rsp, serve):
    with rsp(serve(always(response())), head_timeout="5s").client() as client:
        client.drip(request(), every=0.01)
        assert client.read_response().status == 200


def test_a_connection_without_a_request_is_closed_in_time(rsp, serve):
    with rsp(serve(always(response())), head_timeout="300ms").client() as client:
        rest = client.read_to_cut()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


# Time and number: keep-alive


def test_an_idle_client_is_closed_without_a_word(rsp, serve):
    proxy = rsp(serve(always(response())), keepalive_timeout="300ms")
    before = proxy.descriptors
    with proxy.client() as client:
        assert client.exchange(request()).status == 200
        assert client.wait_closed() == "eof"
    # The connection to the server is in the pool.
    proxy.wait_for_descriptors(before + 1)


def test_an_idle_client_may_come_back_in_time(rsp, serve):
    with rsp(
        serve(always(response())), keepalive_timeout="2s", head_timeout="200ms"
    ).client() as client:
        for _ in range(3):
            assert client.exchange(request()).status == 200
            assert client.is_silent_for(0.4)


def test_a_connection_has_only_so_many_requests(rsp, serve):
    with rsp(serve(always(response())), keepalive_requests=3).client() as client:
        for last in (False, False, True):
            answer = client.exchange(request())
            assert (b"close" in answer.connection_options) == last
        assert client.wait_closed() == "eof"


def test_a_connection_lives_only_so_long(rsp, serve):
    with rsp(serve(always(response())), keepalive_time="500ms").client() as client:
        began = time.monotonic()
        while b"close" not in client.exchange(request()).connection_options:
            assert time.monotonic() - began < 10
        assert client.wait_closed() == "eof"


# Time: the body


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_stalls_is_cut(rsp, serve, framing):
    server = serve(always(response()))
    with rsp(server, body_timeout="300ms").client() as client:
        client.send(request("POST", "/", framing) + b"5\r\nfirst\r\n")
        rest = client.read_to_cut()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")
    wait_until(lambda: server.connections[0].ended, "the end of the server connection")
    assert server.requests == []


def test_a_slow_but_steady_body_is_taken(rsp, serve):
    server = serve(always(response()))
    options = {"head_timeout": "500ms", "body_timeout": "500ms", "keepalive_timeout": "500ms"}
    with rsp(server, response_timeout="500ms", **options).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
        client.drip(b"x" * 20, every=0.1)
        assert client.read_response().status == 200
    assert server.requests[0].body == b"x" * 20


@pytest.mark.slow
def test_a_body_below_the_least_rate_is_cut(rsp, serve):
    """Ten seconds are granted; a body at the rate passes, one far below is cut."""
    server = serve(always(response()))
    proxy = rsp(server, min_body_rate=100)
    with proxy.client() as slow, proxy.client() as steady:
        for client in (slow, steady):
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n")
        began, sent = time.monotonic(), 0
        while slow.is_silent_for(0.2):
            assert time.monotonic() - began < 25, "it was never cut"
            slow.send_as_far_as_possible(b"x")
            if sent < 6000:
                steady.send(b"y" * 50)
                sent += 50
        assert time.monotonic() - began > 8
        rest = slow.read_to_cut()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")
        steady.send(b"y" * (6000 - sent))
        assert steady.read_response().status == 200
    assert [len(asked.body) for asked in server.requests] == [6000]


def test_a_least_rate_of_zero_means_none(rsp, serve):
    server = serve(always(response()))
    assert rsp(server, min_body_rate=0).exchange(request("POST", "/", body=b"x")).status == 200
