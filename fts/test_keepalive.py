"""Connections that stay, on both sides, and what happens when one dies between two requests."""

import select
import socket
import threading

import pytest

from harness.messages import chunked, request, response
from harness.server import always, once
from harness.waiting import wait_until

IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"]


# Clients


def test_a_client_connection_is_kept(rsp, serve):
    with rsp(serve(always(response(b"x")))).client() as client:
        for _ in range(10):
            answer = client.exchange(request())
            assert answer.body == b"x"
            assert b"close" not in answer.connection_options


def test_a_client_that_asks_for_close_gets_it(rsp, serve):
    server = serve(always(response(b"x")))
    with rsp(server).client() as client:
        assert client.exchange(request("GET", "/", "Connection: close")).body == b"x"
        assert client.wait_closed() == "eof"
    # That is between the client and rsp: the server's connection stays.
    assert server.requests[0].connection_options == set()


def test_the_last_answer_of_a_connection_and_its_end_come_in_one_segment(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))))
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            client.sendall(request("GET", "/", "Connection: close"))
            poll = select.poll()
            poll.register(client, select.POLLIN | select.POLLRDHUP)
            # What the first thing is that the kernel tells of.
            (_, events), = poll.poll(10_000)
            assert events == select.POLLIN | select.POLLRDHUP
            assert client.recv(65536).endswith(b"\r\n\r\nx")
            assert client.recv(1) == b""


@pytest.mark.parametrize("option", ["Close", "foo, close", "close, foo", "CLOSE"])
def test_close_is_found_in_any_case_and_place(rsp, serve, option):
    with rsp(serve(always(response(b"x")))).client() as client:
        answer = client.exchange(request("GET", "/", f"Connection: {option}"))
        assert b"close" in answer.connection_options
        assert client.wait_closed() == "eof"


def test_a_client_of_http_1_0_is_closed_after_its_answer(rsp, serve):
    with rsp(serve(always(response(b"x")))).client() as client:
        assert client.exchange(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").body == b"x"
        assert client.wait_closed() == "eof"


def test_a_client_of_http_1_0_may_ask_to_be_kept(rsp, serve):
    with rsp(serve(always(response(b"x")))).client() as client:
        for _ in range(3):
            answer = client.exchange(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n")
            assert answer.body == b"x"
            assert answer.connection_options == {b"keep-alive"}


def test_a_server_that_closes_does_not_close_the_client(rsp, serve):
    server = serve(once(response(b"x", "Connection: close")))
    with rsp(server).client() as client:
        for _ in range(3):
            answer = client.exchange(request())
            assert answer.body == b"x"
            assert b"close" not in answer.connection_options
    assert len(server.connections) == 3


# Servers


def test_a_server_connection_is_used_again(rsp, serve):
    server = serve(always(response(b"x")))
    proxy = rsp(server)
    for _ in range(10):
        assert proxy.exchange(request("POST", "/")).body == b"x"
    assert len(server.connections) == 1


def test_a_server_connection_is_used_again_after_each_framing(rsp, serve):
    answers = [
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(b"y"),
        response(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        response(b"x"),
    ]
    server = serve(always(*answers))
    proxy = rsp(server)
    with proxy.client() as client:
        for _ in answers:
            answer = client.exchange(request())
            if answer.status == 103:
                client.read_response()
    assert proxy.exchange(request()).status == 200
    assert len(server.connections) == 1


def test_requests_at_the_same_time_have_connections_of_their_own(rsp, serve):
    together = threading.Barrier(3)

    def script(connection):
        while connection.read_request() is not None:
            together.wait(10)
            connection.send(response(b"x"))

    server = serve(script)
    proxy = rsp(server)
    for _ in range(2):
        clients = [proxy.client() for _ in range(3)]
        for client in clients:
            client.send(request())
        for client in clients:
            assert client.read_response().body == b"x"
            client.close()
    assert len(server.connections) == 3


@pytest.mark.parametrize(
    "answer",
    [
        response(b"x", "Connection: close"),
        response(b"x", "Connection: foo, Close"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ],
    ids=["close", "close in a list", "HTTP/1.0"],
)
def test_a_server_connection_that_will_close_is_not_used_again(rsp, serve, answer):
    # It leaves its end open, so that a second request would be seen.
    server = serve(always(answer))
    proxy = rsp(server)
    for _ in range(3):
        assert proxy.exchange(request("POST", "/")).body == b"x"
    assert len(server.connections) == 3
    assert all(connection.received.count(b"HTTP/1.1") == 1 for connection in server.connections)


def test_a_server_of_http_1_0_may_be_kept(rsp, serve):
    answer = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"
    server = serve(always(answer))
    proxy = rsp(server)
    assert [proxy.exchange(request()).body for _ in range(3)] == [b"x"] * 3
    assert len(server.connections) == 1


def test_idle_server_connections_are_closed_in_time(rsp, serve):
    server = serve(always(response(b"x")))
    proxy = rsp(server, idle_timeout="200ms")
    assert proxy.exchange(request()).body == b"x"
    wait_until(lambda: server.connections[0].ended, "the end of the idle connection")
    assert proxy.exchange(request()).body == b"x"


def test_the_time_that_a_server_names_is_kept(rsp, serve):
    server = serve(always(response(b"x", "Keep-Alive: timeout=1")))
    proxy = rsp(server, idle_timeout="1h")
    assert proxy.exchange(request()).body == b"x"
    wait_until(lambda: server.connections[0].ended, "the end of the idle connection")


def test_only_so_many_idle_server_connections_are_kept(rsp, serve):
    together = threading.Barrier(5)

    def script(connection):
        while connection.read_request() is not None:
            together.wait(10)
            connection.send(response(b"x"))

    server = serve(script)
    proxy = rsp(server, max_idle=2)
    clients = [proxy.client() for _ in range(5)]
    for client in clients:
        client.send(request())
    for client in clients:
        assert client.read_response().body == b"x"
    closed = lambda: sum(1 for connection in server.connections if connection.ended)
    wait_until(lambda: closed() == 3, "three of five connections to be closed")
    assert clients[0].is_silent_for(0.1) and closed() == 3


def test_a_server_connection_closed_while_idle_is_noticed_at_once(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send(response(b"x"))
        # Python forgets the number of a socket before it closes it; the end is to have been sent then.
        connection.half_close()

    server = serve(script)
    proxy = rsp(server)
    before = proxy.descriptors
    assert proxy.exchange(request()).body == b"x"
    # It closes; rsp lets the descriptor go without waiting for a next request.
    proxy.wait_for_descriptors(before)
    for number in range(20):
        assert proxy.exchange(request("POST", "/", body=b"y")).body == b"x"
        server.wait_for_connections(number + 2)
        wait_until(lambda: server.connections[-1].socket.fileno() < 0, "the server to close")


def test_bytes_on_an_idle_server_connection_end_it(rsp, serve):
    def script(connection):
        if connection.number == 0:
            connection.read_request()
            connection.send(response(b"first"))
            assert connection.server.answered.wait(10)
            connection.send(response(b"smuggled"))
            connection.read_to_cut()
        else:
            always(response(b"second"))(connection)

    server = serve(script)
    server.answered = threading.Event()
    proxy = rsp(server)
    assert proxy.exchange(request("POST", "/")).body == b"first"
    server.answered.set()
    wait_until(lambda: server.connections[0].ended, "the end of the idle connection")
    assert proxy.exchange(request("POST", "/")).body == b"second"


# A reused connection that dies after the request has been sent on it


def dies_on_second_request(how):
    """The first connection answers once and dies on its second request; others always answer."""

    def script(connection):
        if connection.number > 0:
            return always(response(b"alive"))(connection)
        connection.read_request()
        connection.send(response(b"first"))
        if connection.read_request() is not None:
            connection.reset() if how == "reset" else connection.close()

    return script


def reuse(rsp, serve, how, sent, method):
    server = serve(dies_on_second_request(how))
    proxy = rsp(server)
    with proxy.client() as client:
        assert client.exchange(request()).body == b"first"
        client.send(sent)
        return client.read_response(method), server


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", IDEMPOTENT)
def test_an_idempotent_request_is_sent_again_on_a_fresh_connection(rsp, serve, method, how):
    answer, server = reuse(rsp, serve, how, request(method, "/again"), method)
    assert answer.status == 200
    assert [asked.target for asked in server.requests] == [b"/", b"/again", b"/again"]
    assert len(server.connections) == 2


def test_a_small_body_is_sent_again_with_its_request(rsp, serve):
    sent = request("PUT", "/again", body=b"hello")
    answer, server = reuse(rsp, serve, "reset", sent, "PUT")
    assert answer.body == b"alive"
    assert [asked.body for asked in server.requests] == [b"", b"hello", b"hello"]


def test_a_small_chunked_body_is_sent_again_with_its_request(rsp, serve):
    sent = request("PUT", "/again", "Transfer-Encoding: chunked") + chunked(b"hel", b"lo")
    answer, server = reuse(rsp, serve, "close", sent, "PUT")
    assert answer.body == b"alive"
    assert [asked.body for asked in server.requests] == [b"", b"hello", b"hello"]


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PURGE", "get"])
def test_any_other_request_is_never_sent_again(rsp, serve, method, how):
    answer, server = reuse(rsp, serve, how, request(method, "/once", body=b"hello"), method)
    assert answer.status == 502
    assert [asked.target for asked in server.requests] == [b"/", b"/once"]


def test_a_request_whose_body_is_gone_is_never_sent_again(rsp, serve):
    def script(connection):
        if connection.number > 0:
            return always(response(b"alive"))(connection)
        connection.read_request()
        connection.send(response(b"first"))
        connection.read_request_head()
        connection.read_exactly(1_000_000)
        connection.close()

    server = serve(script)
    with rsp(server).client() as client:
        assert client.exchange(request()).body == b"first"
        client.send(b"PUT /big HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n")
        client.send(bytes(1_000_000))
        assert client.read_response().status == 502
    assert len(server.connections) == 1


def test_a_request_is_never_sent_again_after_a_byte_of_the_response(rsp, serve):
    def script(connection):
        if connection.number > 0:
            return always(response(b"alive"))(connection)
        connection.read_request()
        connection.send(response(b"first"))
        connection.read_request()
        connection.send(b"HTTP/1.1 2")

    server = serve(script)
    with rsp(server).client() as client:
        assert client.exchange(request()).body == b"first"
        assert client.exchange(request()).status == 502
    assert len(server.connections) == 1


def test_no_answer_is_lost_while_the_server_closes_after_each(rsp, serve):
    """It says keep-alive and closes nevertheless: the race that a proxy has to win."""
    proxy = rsp(serve(once(response(b"x"))))
    with proxy.client() as client:
        for _ in range(300):
            assert client.exchange(request()).body == b"x"
