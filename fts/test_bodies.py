"""Bodies in every framing, in both directions."""

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.messages import chunked, request, response
from harness.server import always, once
from harness.waiting import wait_until

CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED_OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZES = [0, 1, 1000, 16383, 16384, 16385, 65535, 65536, 65537, 262144, 300001, 3_000_000]


def noise(size):
    return random.Random(size).randbytes(size)


# Requests


@pytest.mark.parametrize("size", SIZES)
def test_a_request_body_of_a_length_arrives(rsp, serve, size):
    server = serve(always(response()))
    sent = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + noise(size)
    assert rsp(server).exchange(sent).status == 200
    assert server.requests[0].get(b"Content-Length") == str(size).encode()
    assert server.requests[0].body == noise(size)


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_request_body_arrives_chunked(rsp, serve, size):
    server, data = serve(always(response())), noise(size)
    pieces = [data[at : at + 7001] for at in range(0, size, 7001)]
    assert rsp(server).exchange(CHUNKED_POST + chunked(*pieces)).status == 200
    assert server.requests[0].get(b"Transfer-Encoding") == b"chunked"
    assert b"Content-Length" not in server.requests[0]
    assert server.requests[0].body == data


@pytest.mark.parametrize("coding", ["Chunked", "CHUNKED", "chunked \t"])
def test_the_name_of_the_coding_has_no_case(rsp, serve, coding):
    server = serve(always(response()))
    head = f"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: {coding}\r\n\r\n".encode()
    assert rsp(server).exchange(head + chunked(b"hello")).status == 200
    assert server.requests[0].body == b"hello"


@pytest.mark.parametrize("size", [b"a", b"A", b"000a", b"000000000000000a"])
def test_a_chunk_size_has_1_to_16_hexadecimal_digits(rsp, serve, size):
    server = serve(always(response()))
    sent = CHUNKED_POST + size + b"\r\n0123456789\r\n0\r\n\r\n"
    assert rsp(server).exchange(sent).status == 200
    assert server.requests[0].body == b"0123456789"


@pytest.mark.parametrize("extension", [b";a", b";a=b", b';a="b;c"', b"; a = b", b";" + b"x" * 1000])
def test_chunk_extensions_of_a_request_are_dropped(rsp, serve, extension):
    server = serve(always(response()))
    body = b"5" + extension + b"\r\nhello\r\n0" + extension + b"\r\n\r\n"
    assert rsp(server).exchange(CHUNKED_POST + body).status == 200
    assert server.requests[0].body == b"hello"
    assert b";" not in server.received.partition(b"\r\n\r\n")[2]


def test_a_chunked_request_may_come_byte_by_byte(rsp, serve):
    server = serve(always(response()))
    with rsp(server).client() as client:
        client.send_in_pieces(CHUNKED_POST + chunked(b"hello", b" world", trailers=b"A: b\r\n"))
        assert client.read_response().status == 200
    assert server.requests[0].body == b"hello world"


def test_request_trailers_are_forwarded(rsp, serve):
    server = serve(always(response()))
    sent = CHUNKED_POST + chunked(b"hello", trailers=b"Digest: x\r\nMore: y\r\n")
    assert rsp(server).exchange(sent).status == 200
    assert server.requests[0].trailers == [(b"Digest", b"x"), (b"More", b"y")]
    assert b"Digest" not in server.requests[0]


@pytest.mark.parametrize(
    "name",
    [
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Connection",
        "Authorization",
        "Cookie",
        "X-Forwarded-For",
        "X-Real-IP",
        "X-Request-ID",
        "Trailer",
        "Proxy",
    ],
)
def test_a_trailer_that_could_change_the_head_is_dropped(rsp, serve, name):
    server = serve(always(response()))
    trailers = f"{name}: 1\r\nGood: 2\r\n".encode()
    assert rsp(server).exchange(CHUNKED_POST + chunked(b"x", trailers=trailers)).status == 200
    assert server.requests[0].trailers == [(b"Good", b"2")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_of_any_method_keeps_its_framing(rsp, serve, method, framing):
    server = serve(always(response()))
    if framing == "length":
        sent = request(method, "/", body=b"hello")
    else:
        sent = request(method, "/", "Transfer-Encoding: chunked") + chunked(b"hello")
    with rsp(server).client() as client:
        assert client.exchange(sent, method).status == 200
        assert client.exchange(request("GET", "/next")).status == 200
    assert server.requests[0].body == b"hello"
    assert server.requests[0].is_chunked == (framing == "chunked")
    assert server.requests[1].target == b"/next"


def test_a_request_without_a_body_has_no_framing(rsp, serve):
    server = serve(always(response()))
    assert rsp(server).exchange(request("POST", "/")).status == 200
    assert b"Content-Length" not in server.requests[0]
    assert b"Transfer-Encoding" not in server.requests[0]


def test_a_request_body_streams_through(rsp, serve):
    """The server has the first half before the client has sent the second."""
    server = serve(always(response()))
    with rsp(server).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
        server.wait_for_connections(1)
        wait_until(lambda: server.received.endswith(b"\r\n\r\nfirst"), "the first half")
        client.send(b"other")
        assert client.read_response().status == 200


def test_a_client_that_dies_in_its_body_never_ends_the_request(rsp, serve):
    for body in (
        b"Content-Length: 10\r\n\r\nfirst",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
    ):
        server = serve(always(response()))
        with rsp(server).client() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + body)
            server.wait_for_connections(1)
            wait_until(lambda: b"first" in server.received, "the first half")
        wait_until(lambda: server.connections[0].ended, "the end of the server connection")
        assert server.requests == []


# Responses


@pytest.mark.parametrize("size", SIZES)
def test_a_response_body_of_a_length_arrives(rsp, serve, size):
    answer = rsp(serve(always(response(noise(size))))).exchange(request())
    assert answer.get(b"Content-Length") == str(size).encode()
    assert answer.body == noise(size)


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_response_body_arrives_chunked(rsp, serve, size):
    data = noise(size)
    pieces = [data[at : at + 9001] for at in range(0, size, 9001)]
    answer = rsp(serve(always(CHUNKED_OK + chunked(*pieces)))).exchange(request())
    assert answer.is_chunked and answer.body == data


def test_chunk_extensions_of_a_response_are_dropped(rsp, serve):
    answer = rsp(serve(always(CHUNKED_OK + b"5;a=b\r\nhello\r\n0;c\r\n\r\n"))).exchange(request())
    assert answer.body == b"hello"
    assert b";" not in answer.raw_body


def test_response_trailers_are_forwarded(rsp, serve):
    sent = CHUNKED_OK + chunked(b"hello", trailers=b"Digest: x\r\nMore: y\r\n")
    answer = rsp(serve(always(sent))).exchange(request())
    assert answer.trailers == [(b"Digest", b"x"), (b"More", b"y")]


def test_a_chunked_response_becomes_plain_for_a_client_of_http_1_0(rsp, serve):
    server = serve(always(CHUNKED_OK + chunked(b"hello", b" world", trailers=b"A: b\r\n")))
    with rsp(server).client() as client:
        answer = client.exchange(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        assert b"Transfer-Encoding" not in answer
        assert answer.body == b"hello world"
        # Without a length the end of the connection is the end of the body.
        assert client.wait_closed() == "eof"


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("size", [0, 5, 300001])
def test_a_body_until_close_becomes_chunked(rsp, serve, version, size):
    head = b"HTTP/" + version + b" 200 OK\r\nA: b\r\nConnection: close\r\n\r\n"
    server = serve(once(head, noise(size)))
    with rsp(server).client() as client:
        answer = client.exchange(request())
        assert answer.is_chunked and answer.body == noise(size)
        # The client's connection does not share the fate of the server's.
        assert client.exchange(request()).body == noise(size)


def test_a_body_until_close_ends_with_a_close_for_a_client_of_http_1_0(rsp, serve):
    server = serve(once(b"HTTP/1.0 200 OK\r\n\r\n", b"hello"))
    with rsp(server).client() as client:
        answer = client.exchange(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert b"Transfer-Encoding" not in answer
        assert answer.body == b"hello"


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_the_response_to_head_keeps_its_fields_and_has_no_body(rsp, serve, framing):
    server = serve(always(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode()))
    with rsp(server).client() as client:
        for _ in range(2):
            answer = client.exchange(request("HEAD"), "HEAD")
            assert answer.status == 200
            if "Length" in framing:
                assert answer.get(b"Content-Length") == b"1000"
        assert client.is_silent_for(0.1)


def test_304_keeps_the_length_it_names_and_has_no_body(rsp, serve):
    server = serve(always(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n"))
    with rsp(server).client() as client:
        for _ in range(2):
            answer = client.exchange(request())
            assert (answer.status, answer.get(b"Content-Length")) == (304, b"1000")
        assert client.is_silent_for(0.1)


def test_204_has_no_body(rsp, serve):
    server = serve(always(b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n"))
    with rsp(server).client() as client:
        for _ in range(2):
            answer = client.exchange(request())
            assert (answer.status, answer.get(b"A")) == (204, b"b")
            assert b"Transfer-Encoding" not in answer
        assert client.is_silent_for(0.1)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_server_that_dies_in_its_body_is_visible_to_the_client(rsp, serve, framing, end):
    def script(connection):
        connection.read_request()
        if framing == "length":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst")
        else:
            connection.send(CHUNKED_OK + b"5\r\nfirst\r\n")
        connection.server.client_has_begun.wait(10)
        connection.reset() if end == "reset" else connection.close()

    server = serve(script)
    server.client_has_begun = threading.Event()
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(request())
        client.read_until(b"first")
        server.client_has_begun.set()
        assert client.read_to_cut().strip() == b""
    assert proxy.is_running


def test_a_response_streams_through(rsp, serve):
    """Each piece reaches the client before the next one is written."""

    def script(connection):
        connection.read_request()
        connection.send(CHUNKED_OK)
        for number in range(5):
            connection.send(b"2\r\n%d\n\r\n" % number)
            assert connection.server.seen.acquire(timeout=10)
        connection.send(b"0\r\n\r\n")

    server = serve(script)
    server.seen = threading.Semaphore(0)
    with rsp(server).client() as client:
        client.send(request())
        for number in range(5):
            client.read_until(b"%d\n" % number)
            server.seen.release()
        client.read_until(b"0\r\n\r\n")


def test_bodies_in_both_directions_at_once_are_not_mixed_up(rsp, serve):
    def echo(connection):
        while (asked := connection.read_request()) is not None:
            connection.send(response(asked.body))

    proxy = rsp(serve(echo), workers=2)

    def run(seed):
        with proxy.client() as client:
            for turn in range(5):
                body = noise(100_000 + seed * 1000 + turn)
                answer = client.exchange(request("POST", "/", body=body))
                assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(run, range(10)))
