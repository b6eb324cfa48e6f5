"""Responses that a strict reader refuses: a plain 502, and the connection is dropped."""

import threading

import pytest

from harness.messages import request, response
from harness.server import always, once

OK = "HTTP/1.1 200 OK\r\n"

BAD = {
    "no HTTP at all": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a body without a head": "hello\r\n\r\n",
    "another protocol": "ICY 200 OK\r\n\r\n",
    "a version in lower case": "http/1.1 200 OK\r\n\r\n",
    "HTTP/2.0": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "a status under 100": "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "a status that is a word": "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "two blanks before the status": "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "a NUL in the reason": "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "a bare CR in the reason": "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
    "a length and a transfer coding": OK
    + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths that differ": OK + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two lengths that are equal": OK + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a negative length": OK + "Content-Length: -1\r\n\r\n",
    "a length with a plus": OK + "Content-Length: +1\r\n\r\na",
    "an empty length": OK + "Content-Length:\r\n\r\n",
    "a length over 63 bits": OK + "Content-Length: 9223372036854775808\r\n\r\n",
    "an unknown transfer coding": OK + "Transfer-Encoding: gzip\r\n\r\n",
    "two transfer codings": OK + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": OK + "Content-Length : 0\r\n\r\n",
    "a folded field": OK + "A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a bare LF": OK + "A: b\nContent-Length: 0\r\n\r\n",
    "a bare CR": OK + "A: b\rc\r\nContent-Length: 0\r\n\r\n",
    "a NUL": OK + "A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "an empty name": OK + ": b\r\nContent-Length: 0\r\n\r\n",
    "a field without a colon": OK + "abc\r\nContent-Length: 0\r\n\r\n",
    "201 fields": OK + "".join(f"A{n}: b\r\n" for n in range(200)) + "Content-Length: 0\r\n\r\n",
    "a head over the limit": OK + "".join(f"A{n}: {'b' * 4000}\r\n" for n in range(9)) + "\r\n",
    "a switch nobody asked for": "HTTP/1.1 101 OK\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "an end in the status line": "HTTP/1.1 20",
    "an end in the head": OK + "Content-Le",
}

# After the first chunk the head is with the client, and all that is left is to cut it off.
BAD_CHUNKS = {
    "a size that is no number": "xyz\r\n",
    "a size with 0x": "0x1\r\na\r\n",
    "a size over 63 bits": "8000000000000000\r\n",
    "a size ended by a bare LF": "1\na\r\n",
    "data without an end": "1\r\nab\r\n",
    "an end in the data": "5\r\nab",
    "an end after the data": "2\r\nab\r\n",
    "an end before the last empty line": "2\r\nab\r\n0\r\n",
    "a trailer without a colon": "0\r\nabc\r\n\r\n",
}


def expect_plain_502(answer):
    assert answer.status == 502
    assert 0 < len(answer.body) < 2000
    for inner in (b"127.0.0.1", b"errno", b"Errno", b".swift", b"/tmp", b"Sources", b"abc"):
        assert inner not in answer.raw + answer.body


@pytest.mark.parametrize("name", BAD)
def test_a_bad_response_is_answered_with_502(rsp, serve, name):
    def script(connection):
        if connection.number == 0:
            once(BAD[name].encode())(connection)
        else:
            always(response(b"fence"))(connection)

    server = serve(script)
    proxy = rsp(server)
    answer = proxy.exchange(request("POST", "/"))
    expect_plain_502(answer)
    # The connection is thrown away, and the next request is not harmed.
    assert proxy.exchange(request("GET", "/fence")).body == b"fence"
    assert len(server.connections) == 2


def test_the_connection_of_a_bad_response_is_closed_by_the_proxy(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
        connection.wait_closed()

    server = serve(script, strict=True)
    assert rsp(server).exchange(request("POST", "/")).status == 502
    server._threads[0].join(5)
    assert server.connections[0].ended


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_bad_chunk_after_the_head_cuts_the_client_off(rsp, serve, name):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        connection.server.client_has_begun.wait(10)
        connection.send(BAD_CHUNKS[name].encode())

    server = serve(script)
    server.client_has_begun = threading.Event()
    with rsp(server).client() as client:
        client.send(request())
        head = client.read_until(b"abc")
        server.client_has_begun.set()
        rest = client.read_to_cut()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"0\r\n\r\n" not in rest and b"502" not in rest


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_bad_chunk_with_the_head_gives_502_or_a_cut(rsp, serve, name):
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with rsp(serve(once((head + BAD_CHUNKS[name]).encode()))).client() as client:
        client.send(request("POST", "/", "Connection: close"))
        rest = client.read_to_cut()
    assert rest.startswith(b"HTTP/1.1 502 ") or not rest.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("fields, status", [(200, 200), (201, 502)])
def test_a_response_may_have_200_fields(rsp, serve, fields, status):
    lines = [f"A{number}: b" for number in range(fields - 1)]
    answer = rsp(serve(always(response(b"x", *lines)))).exchange(request("POST", "/"))
    assert answer.status == status


def test_bytes_after_a_response_never_become_the_next_one(rsp, serve):
    smuggled = response(b"smuggled")

    def script(connection):
        if connection.number == 0:
            connection.read_request()
            connection.send(response(b"first") + smuggled)
            connection.wait_closed()
        else:
            always(response(b"second"))(connection)

    proxy = rsp(serve(script))
    with proxy.client() as client:
        assert client.exchange(request("GET", "/1")).body == b"first"
        assert client.exchange(request("GET", "/2")).body == b"second"


@pytest.mark.parametrize(
    "method, status", [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")]
)
def test_a_body_where_none_may_be_never_becomes_the_next_response(rsp, serve, method, status):
    smuggled = response(b"smuggled")

    def script(connection):
        if connection.number == 0:
            connection.read_request()
            length = f"Content-Length: {len(smuggled)}\r\n"
            connection.send(f"HTTP/1.1 {status}\r\n{length}\r\n".encode() + smuggled)
            connection.wait_closed()
        else:
            always(response(b"second"))(connection)

    proxy = rsp(serve(script))
    with proxy.client() as client:
        assert client.exchange(request(method, "/1"), method).first_line.endswith(status.encode())
        assert client.exchange(request("GET", "/2")).body == b"second"


def test_a_body_after_an_interim_response_is_a_bad_response(rsp, serve):
    server = serve(once(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"))
    with rsp(server).client() as client:
        client.send(request("POST", "/"))
        statuses = [client.read_response().status]
        if statuses == [103]:
            statuses.append(client.read_response().status)
    assert statuses[-1] == 502
