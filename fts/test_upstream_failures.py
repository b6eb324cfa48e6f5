"""What a client is told when the server is away, silent, or dies: 502, 503 or 504, and no more."""

import select
import threading

import pytest

from harness.messages import chunked, request, response
from harness.ports import free_port, refusing_port, silent_port
from harness.server import always, once
from harness.waiting import wait_until

IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"]


def expect_plain_error(answer, status, *secrets):
    """An error that says what happened, in a few words, and nothing of how we are built."""
    assert answer.status == status
    assert 0 < len(answer.body) < 2000
    assert answer.get(b"Content-Type").startswith(b"text/")
    secrets = [str(secret).encode() for secret in secrets]
    for secret in [*secrets, b"127.0.0.1", b"errno", b"refused", b".swift", b"/tmp", b"ECONN"]:
        assert secret.lower() not in (answer.raw + answer.body).lower()


def test_a_server_that_refuses_gives_502(rsp):
    with refusing_port() as port:
        expect_plain_error(rsp(f"127.0.0.1:{port}").exchange(request()), 502, port)


def test_a_server_that_refuses_gives_502_for_a_post_with_a_body(rsp):
    with refusing_port() as port:
        proxy = rsp(f"127.0.0.1:{port}")
        expect_plain_error(proxy.exchange(request("POST", "/", body=b"x" * 1000)), 502, port)


def test_an_error_answer_to_head_has_no_body(rsp):
    with refusing_port() as port, rsp(f"127.0.0.1:{port}").client() as client:
        assert client.exchange(request("HEAD"), "HEAD").status == 502
        client.half_close()
        assert client.wait_closed() == "eof"


def test_an_error_answer_is_one_for_http_1_0_too(rsp):
    with refusing_port() as port, rsp(f"127.0.0.1:{port}").client() as client:
        expect_plain_error(client.exchange(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"), 502)
        assert client.wait_closed() == "eof"


def test_a_client_is_kept_after_an_error_of_the_server(rsp):
    with refusing_port() as port, rsp(f"127.0.0.1:{port}").client() as client:
        for _ in range(3):
            answer = client.exchange(request())
            assert answer.status == 502
            assert b"close" not in answer.connection_options


def test_a_server_that_comes_back_is_used_at_once(rsp, serve):
    port = free_port()
    proxy = rsp(f"127.0.0.1:{port}")
    for _ in range(5):
        assert proxy.exchange(request()).status == 502
    server = serve(always(response(b"back")), address=port)
    assert proxy.exchange(request()).body == b"back"
    assert len(server.connections) == 1


def test_a_server_that_restarts_costs_no_idempotent_request(rsp, serve):
    port = free_port()
    proxy = rsp(f"127.0.0.1:{port}")
    with proxy.client() as client:
        for turn in range(5):
            server = serve(always(response(b"%d" % turn)), address=port)
            for _ in range(3):
                assert client.exchange(request()).body == b"%d" % turn
            server.stop()


def test_a_server_that_cannot_be_reached_gives_504(rsp):
    with silent_port() as port:
        proxy = rsp(f"127.0.0.1:{port}", connect_timeout="300ms", retries=0)
        expect_plain_error(proxy.exchange(request()), 504, port)


def test_the_time_to_connect_is_bounded_with_retries_too(rsp):
    with silent_port() as port:
        proxy = rsp(f"127.0.0.1:{port}", connect_timeout="200ms", retries=2)
        expect_plain_error(proxy.exchange(request("POST", "/", body=b"x")), 504, port)


def test_a_server_that_never_answers_gives_504(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.wait_closed()

    server = serve(script)
    proxy = rsp(server, response_timeout="300ms")
    expect_plain_error(proxy.exchange(request()), 504, server.port)
    wait_until(lambda: server.connections[0].ended, "the end of the server connection")
    # A timeout is never tried again, whatever the method.
    assert len(server.connections) == 1


def test_a_server_that_never_ends_its_head_gives_504(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nA: ")
        connection.wait_closed()

    expect_plain_error(rsp(serve(script), response_timeout="300ms").exchange(request()), 504)


def test_an_interim_response_does_not_end_the_wait(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        connection.wait_closed()

    with rsp(serve(script), response_timeout="300ms").client() as client:
        assert client.exchange(request()).status == 103
        expect_plain_error(client.read_response(), 504)


def test_the_time_for_the_answer_begins_when_the_request_has_ended(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))), response_timeout="400ms")
    with proxy.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        client.drip(b"0123456789", every=0.1)
        assert client.read_response().body == b"x"


def test_a_server_that_stalls_in_its_body_cuts_the_client(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst")
        connection.wait_closed()

    server = serve(script)
    with rsp(server, read_timeout="300ms").client() as client:
        client.send(request())
        assert client.read_to_cut().endswith(b"\r\n\r\nfirst")
    wait_until(lambda: server.connections[0].ended, "the end of the server connection")


def test_an_event_stream_may_be_silent_for_longer(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        connection.send(b"Transfer-Encoding: chunked\r\n\r\n", chunked(b"data: 1\n\n")[:-5])
        assert connection.is_silent_for(0.8)
        connection.send(chunked(b"data: 2\n\n"))

    answer = rsp(serve(script, strict=True), read_timeout="300ms").exchange(request())
    assert answer.body == b"data: 1\n\ndata: 2\n\n"


def test_a_server_that_closes_without_an_answer_gives_502(rsp, serve):
    server = serve(once())
    expect_plain_error(rsp(server).exchange(request("POST", "/", body=b"x")), 502, server.port)
    assert len(server.connections) == 1


@pytest.mark.parametrize("method", IDEMPOTENT)
def test_a_server_that_resets_gives_502_after_few_tries(rsp, serve, method):
    def script(connection):
        connection.read_request()
        connection.reset()

    server = serve(script)
    with rsp(server).client() as client:
        client.send(request(method, "/"))
        assert client.read_response(method).status == 502
    # The connection was fresh, so that not even one more try is owed.
    assert 1 <= len(server.connections) <= 3


@pytest.mark.parametrize("method", ["POST", "PATCH", "UNKNOWN"])
def test_a_reset_is_never_tried_again_for_other_methods(rsp, serve, method):
    def script(connection):
        connection.read_request()
        connection.reset()

    server = serve(script)
    assert rsp(server).exchange(request(method, "/")).status == 502
    assert len(server.connections) == 1


def test_no_retry_means_none(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.reset()

    server = serve(script)
    assert rsp(server, retries=0).exchange(request()).status == 502
    assert len(server.connections) == 1


@pytest.mark.parametrize("status", ["500 Oh", "502 Bad", "503 Busy", "504 Late"])
def test_an_error_of_the_server_passes_and_is_never_tried_again(rsp, serve, status):
    server = serve(always(response(b"its own words", status=status)))
    answer = rsp(server).exchange(request())
    assert answer.first_line == f"HTTP/1.1 {status}".encode()
    assert answer.body == b"its own words"
    assert len(server.requests) == 1


def test_a_dead_server_is_not_stormed_by_retries(rsp, serve):
    """Of fifty requests in flight that are all reset, a fifth may be tried again at a time."""
    all_there, retries_counted = threading.Barrier(50), threading.Event()

    def script(connection):
        connection.read_request()
        if connection.number < 50:
            all_there.wait(10)
        else:
            assert retries_counted.wait(10)
        connection.reset()

    server = serve(script)
    proxy = rsp(server)
    clients = [proxy.client() for _ in range(50)]
    for client in clients:
        client.send(request())

    def settled():
        failed = len(select.select([client.socket for client in clients], [], [], 0)[0])
        return failed + len(server.connections) - 50 >= 50

    wait_until(settled, "every request to have failed or to be tried again")
    assert len(server.connections) - 50 <= 10
    retries_counted.set()
    for client in clients:
        assert client.read_response().status == 502
        client.close()


def test_the_failure_of_one_request_does_not_touch_another(rsp, serve):
    failed = threading.Event()

    def script(connection):
        asked = connection.read_request()
        if asked.target == b"/fails":
            return connection.reset()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        assert failed.wait(10)
        connection.send(b"other")

    proxy = rsp(serve(script))
    with proxy.client() as client:
        client.send(request("GET", "/works"))
        client.read_until(b"first")
        assert proxy.exchange(request("POST", "/fails")).status == 502
        failed.set()
        assert client.read_exactly(5) == b"other"
