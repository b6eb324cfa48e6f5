"""Interim responses, Expect, and servers that answer before the request has ended."""

import threading

import pytest

from harness.messages import request, response
from harness.server import always
from harness.waiting import wait_until

EXPECT = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"


def test_continue_travels_end_to_end(rsp, serve):
    def script(connection):
        head = connection.read_request_head()
        assert head.get(b"Expect") == b"100-continue"
        assert connection.unread == b""
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert connection.read_exactly(5) == b"hello"
        connection.send(response(b"thanks"))

    with rsp(serve(script, strict=True)).client() as client:
        client.send(EXPECT)
        assert client.read_response().status == 100
        client.send(b"hello")
        assert client.read_response().body == b"thanks"


def test_a_body_that_is_expected_may_come_at_once(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert connection.read_exactly(5) == b"hello"
        connection.send(response(b"thanks"))

    with rsp(serve(script)).client() as client:
        client.send(EXPECT + b"hello")
        statuses = [client.read_response()]
        while statuses[-1].status < 200:
            statuses.append(client.read_response())
        assert statuses[-1].body == b"thanks"


def test_a_refusal_instead_of_continue_reaches_the_client(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(response(b"too much", status="413 Content Too Large"))
        # Not one byte of a body that nobody wanted.
        connection.wait_closed()

    server = serve(script, strict=True)
    with rsp(server).client() as client:
        client.send(EXPECT)
        answer = client.read_response()
        assert (answer.status, answer.body) == (413, b"too much")
    wait_until(lambda: server.connections[0].ended, "the end of the server connection")


def test_the_server_connection_of_a_refused_upload_is_never_used_again(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(response(b"%d" % connection.number))
        connection.wait_closed()

    server = serve(script)
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(EXPECT)
        assert client.read_response().body == b"0"
    assert proxy.exchange(request("GET", "/next")).body == b"1"
    assert b"/next" not in server.connections[0].received


@pytest.mark.parametrize("value", ["200-ok", "100-continue, 200-ok", "nonsense"])
def test_any_other_expectation_is_refused_with_417(rsp, serve, value):
    server = serve(always(response(b"fence")))
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(request("POST", "/", f"Expect: {value}", body=b"hello"))
        assert client.read_response().status == 417
    assert proxy.exchange(request("GET", "/fence")).body == b"fence"
    assert [asked.target for asked in server.requests] == [b"/fence"]


def test_interim_responses_reach_the_client_in_order_and_unchanged(rsp, serve):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    server = serve(always(hints + b"HTTP/1.1 102 Processing\r\n\r\n" + hints + response(b"done")))
    with rsp(server).client() as client:
        for _ in range(2):
            client.send(request())
            answers = [client.read_response() for _ in range(4)]
            assert [answer.status for answer in answers] == [103, 102, 103, 200]
            assert answers[0].raw == hints
            assert answers[3].body == b"done"


def test_an_interim_response_arrives_before_the_final_one_is_there(rsp, serve):
    hints_seen = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n")
        assert hints_seen.wait(10)
        connection.send(response(b"done"))

    with rsp(serve(script)).client() as client:
        client.send(request())
        assert client.read_response().status == 103
        hints_seen.set()
        assert client.read_response().body == b"done"


def test_a_client_of_http_1_0_gets_no_interim_response(rsp, serve):
    server = serve(always(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + response(b"done")))
    answer = rsp(server).exchange(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert (answer.status, answer.body) == (200, b"done")


def test_an_early_answer_arrives_while_the_upload_still_runs(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.read_exactly(5)
        connection.send(response(b"enough"))
        connection.wait_closed()

    with rsp(serve(script)).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nfirst")
        answer = client.read_response()
        assert (answer.status, answer.body) == (200, b"enough")


def test_the_rest_of_a_short_upload_is_drained_after_an_early_answer(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(response(b"%d" % connection.number))
        connection.read_to_cut()

    server = serve(script)
    with rsp(server).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
        answer = client.read_response()
        assert answer.body == b"0"
        if b"close" not in answer.connection_options:
            # Either it is closed, or what follows the body is the next request.
            client.send(b"other" + request("GET", "/next"))
            assert client.read_response().body == b"1"
    assert b"/next" not in server.connections[0].received


def test_a_long_upload_is_not_drained_without_end_after_an_early_answer(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(response(b"enough"))
        connection.read_to_cut()

    with rsp(serve(script)).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        assert client.read_response().body == b"enough"
        block = bytes(1 << 16)
        for _ in range(1000):
            if not client.send_as_far_as_possible(block):
                return
        raise AssertionError("64 MiB were taken after the response had ended")


def test_both_directions_may_take_turns_within_one_exchange(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            size = int(connection.read_until(b"\r\n"), 16)
            data = connection.read_exactly(size + 2)
            connection.send(b"%x\r\n%s" % (size, data))
        assert connection.read_exactly(5) == b"0\r\n\r\n"
        connection.send(b"0\r\n\r\n")

    with rsp(serve(script)).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.read_head().startswith(b"HTTP/1.1 200 OK\r\n")
        for number in range(5):
            client.send(b"3\r\n<%d>\r\n" % number)
            client.read_until(b"<%d>" % number)
        client.send(b"0\r\n\r\n")
        client.read_until(b"\r\n0\r\n\r\n")


def test_a_server_that_answers_and_closes_in_an_upload_gets_its_answer_through(rsp, serve):
    """Its reset must not swallow the response that came before it."""
    server = serve(once_without_body(response(b"no", "Connection: close", status="403 Forbidden")))
    with rsp(server).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
        client.send_as_far_as_possible(bytes(300_000))
        answer = client.read_response()
        assert (answer.status, answer.body) == (403, b"no")


def once_without_body(answer):
    def script(connection):
        connection.read_request_head()
        connection.send(answer)

    return script
