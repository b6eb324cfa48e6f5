"""Requests that a strict reader refuses: 400, the connection closed, nothing for the server."""

import pytest

from harness.messages import request, response
from harness.server import always
from harness.waiting import wait_until

OK = "GET / HTTP/1.1\r\nHost: a\r\n"
POST = "POST / HTTP/1.1\r\nHost: a\r\n"

# Framing (RFC 9112 6 and 7; behaviour 1-4)
FRAMING = {
    "a length and a transfer coding": POST
    + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a transfer coding and a length": POST
    + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths that differ": POST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two lengths that are equal": POST + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of equal lengths": POST + "Content-Length: 1, 1\r\n\r\na",
    "a list of lengths": POST + "Content-Length: 1,2\r\n\r\nab",
    "an empty length": POST + "Content-Length:\r\n\r\n",
    "a blank length": POST + "Content-Length:  \t\r\n\r\n",
    "a length with a plus": POST + "Content-Length: +1\r\n\r\na",
    "a negative length": POST + "Content-Length: -1\r\n\r\n",
    "a hexadecimal length": POST + "Content-Length: 0x10\r\n\r\n" + "a" * 16,
    "a length with an underscore": POST + "Content-Length: 1_0\r\n\r\n" + "a" * 10,
    "a length with a fraction": POST + "Content-Length: 1.0\r\n\r\na",
    "a length with a word": POST + "Content-Length: one\r\n\r\na",
    "a length with a blank inside": POST + "Content-Length: 1 0\r\n\r\n" + "a" * 10,
    "a length one over 63 bits": POST + "Content-Length: 9223372036854775808\r\n\r\n",
    "a length one over 64 bits": POST + "Content-Length: 18446744073709551617\r\n\r\na",
    "a length of a hundred digits": POST + "Content-Length: " + "1" * 100 + "\r\n\r\n",
    "a transfer coding on 1.0": "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length on a get that is bad": OK + "Content-Length: x\r\n\r\n",
}

CODINGS = [
    "gzip",
    "identity",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked, identity",
    "chunked;q=1",
    "xchunked",
    "chunkedx",
    "chunked,",
    ", chunked",
    '"chunked"',
    "chunked\x0b",
    "",
]

# The shape of a head (RFC 9112 2-5; behaviour 5)
SHAPE = {
    "a bare CR in a value": OK + "A: b\rc\r\n\r\n",
    "a bare CR before the colon": OK + "A\r: b\r\n\r\n",
    "a bare CR in the target": "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n",
    "a CR doubled at the end of a line": OK + "A: b\r\r\n\r\n",
    "a NUL in a value": OK + "A: b\0c\r\n\r\n",
    "a NUL in a name": OK + "A\0: b\r\n\r\n",
    "a NUL in the target": "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control byte in a value": OK + "A: b\x01c\r\n\r\n",
    "a DEL in a value": OK + "A: b\x7fc\r\n\r\n",
    "a bare LF after the request line": "GET / HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF after a field": OK + "A: b\nC: d\r\n\r\n",
    "a bare LF at the end of the head": OK + "\n",
    "nothing but bare LF": "GET / HTTP/1.1\nHost: a\n\n",
    "a folded field": OK + "A: b\r\n c\r\n\r\n",
    "a field folded with a tab": OK + "A: b\r\n\tc\r\n\r\n",
    "a blank before the colon": OK + "A : b\r\n\r\n",
    "a tab before the colon": OK + "A\t: b\r\n\r\n",
    "a blank before the colon of a length": POST + "Content-Length : 1\r\n\r\na",
    "a blank before the colon of a coding": POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a blank before the first field": "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a blank line of a blank": OK + " \r\n\r\n",
    "an empty name": OK + ": b\r\n\r\n",
    "a field without a colon": OK + "Abc\r\n\r\n",
    "a name with a slash": OK + "A/b: c\r\n\r\n",
    "a name with a bracket": OK + "A(b): c\r\n\r\n",
    "a name with a quote": OK + 'A"b: c\r\n\r\n',
    "a name outside of ASCII": OK + "\xe4: c\r\n\r\n",
}

# The request line (RFC 9112 3; behaviour 5, 25)
LINE = {
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/0.9 with fields": "GET /\r\nHost: a\r\n\r\n",
    "an empty method": " / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method with a bad character": "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method with a colon": "GET: / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no target": "GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "an empty target": "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "two blanks before the target": "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "two blanks before the version": "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab for a blank": "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a blank in the target": "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a blank after the version": "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "a version in lower case": "GET / http/1.1\r\nHost: a\r\n\r\n",
    "a version without a minor": "GET / HTTP/1\r\nHost: a\r\n\r\n",
    "a version with two digits": "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "a version that is a word": "GET / HTTP/x.y\r\nHost: a\r\n\r\n",
    "another protocol": "GET / ICY/1.1\r\nHost: a\r\n\r\n",
    "a target without a slash": "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "an asterisk with a get": "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment in the target": "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a byte over 127 in the target": "GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control byte in the target": "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a DEL in the target": "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
    "an escaped NUL": "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n",
    "dots above the root": "GET /../a HTTP/1.1\r\nHost: a\r\n\r\n",
    "escaped dots above the root": "GET /a/%2e%2E/%2e./b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a TLS handshake": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a PROXY header": "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + OK + "\r\n",
}

# The authority (RFC 9112 3.2; behaviour 10)
AUTHORITY = {
    "no host": "GET / HTTP/1.1\r\nA: b\r\n\r\n",
    "an empty host": "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": OK + "Host: b\r\n\r\n",
    "the same host twice": OK + "Host: a\r\n\r\n",
    "two hosts in one field": "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "a host with a comma": "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "a host with a user": "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n",
    "a host with a path": "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a blank": "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a host with a bad port": "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    "a target with a user": "GET http://me@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target of another host": "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target of another port": "GET http://a:81/ HTTP/1.1\r\nHost: a:82\r\n\r\n",
    "a target without a host": "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target and no host": "GET http://a/ HTTP/1.1\r\n\r\n",
    "two hosts on 1.0": "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
}

# Chunks (RFC 9112 7.1; behaviour 4). They come with the head, so all is known before a send.
CHUNKS = {
    "no size": "\r\na\r\n0\r\n\r\n",
    "a size with a plus": "+1\r\na\r\n0\r\n\r\n",
    "a negative size": "-1\r\na\r\n0\r\n\r\n",
    "a size with 0x": "0x1\r\na\r\n0\r\n\r\n",
    "a size with an underscore": "1_0\r\n" + "a" * 16 + "\r\n0\r\n\r\n",
    "a blank before the size": " 1\r\na\r\n0\r\n\r\n",
    "a blank after the size": "1 \r\na\r\n0\r\n\r\n",
    "a tab after the size": "1\t\r\na\r\n0\r\n\r\n",
    "a size that is no number": "g\r\na\r\n0\r\n\r\n",
    "a size of 17 digits": "0" * 16 + "1\r\na\r\n0\r\n\r\n",
    "a size over 63 bits": "8000000000000000\r\na\r\n0\r\n\r\n",
    "a size over 64 bits": "10000000000000001\r\na\r\n0\r\n\r\n",
    "a size ended by a bare LF": "1\na\r\n0\r\n\r\n",
    "a size ended by a bare CR": "1\ra\r\n0\r\n\r\n",
    "data ended by a bare LF": "1\r\na\n0\r\n\r\n",
    "data without an end": "1\r\na0\r\n\r\n",
    "data longer than its size": "1\r\nab\r\n0\r\n\r\n",
    "a last chunk ended by a bare LF": "1\r\na\r\n0\n\r\n",
    "a body ended by a bare LF": "1\r\na\r\n0\r\n\n",
    "a bare LF in an extension": "1;a\nb\r\na\r\n0\r\n\r\n",
    "a bare CR in an extension": "1;a\rb\r\na\r\n0\r\n\r\n",
    "a NUL in an extension": "1;a\0b\r\na\r\n0\r\n\r\n",
    "a trailer without a colon": "0\r\nabc\r\n\r\n",
    "a trailer with a blank before the colon": "0\r\nA : b\r\n\r\n",
    "a folded trailer": "0\r\nA: b\r\n c\r\n\r\n",
    "a bare LF after a trailer": "0\r\nA: b\n\r\n",
}


def expect_refusal(rsp, serve, sent, statuses=(400,)):
    """Refused, closed, and the server got nothing: not even after a good request that follows."""
    server = serve(always(response(b"fence")))
    proxy = rsp(server)
    with proxy.client() as client:
        # What follows must not be read as a request of its own either.
        client.send(sent.encode("latin-1") + request("GET", "/smuggled"))
        answer = client.read_response()
        assert answer.status in statuses
        assert "close" in {option.decode() for option in answer.connection_options}
        assert 0 < len(answer.body) < 2000
        assert client.read_to_cut() == b""
    assert proxy.exchange(request("GET", "/fence")).body == b"fence"
    assert server.received.startswith(b"GET /fence HTTP/1.1\r\n")
    assert [asked.target for asked in server.requests] == [b"/fence"]


@pytest.mark.parametrize("name", FRAMING)
def test_unclear_framing_is_refused(rsp, serve, name):
    expect_refusal(rsp, serve, FRAMING[name])


@pytest.mark.parametrize("coding", CODINGS)
def test_any_transfer_coding_but_one_chunked_is_refused(rsp, serve, coding):
    sent = POST + f"Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"
    expect_refusal(rsp, serve, sent, statuses=(400, 501))


def test_two_transfer_codings_in_two_fields_are_refused(rsp, serve):
    sent = POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    expect_refusal(rsp, serve, sent, statuses=(400, 501))


@pytest.mark.parametrize("name", SHAPE)
def test_a_malformed_head_is_refused(rsp, serve, name):
    expect_refusal(rsp, serve, SHAPE[name])


@pytest.mark.parametrize("name", LINE)
def test_a_malformed_request_line_is_refused(rsp, serve, name):
    expect_refusal(rsp, serve, LINE[name])


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9"])
def test_a_version_that_is_not_spoken_is_refused(rsp, serve, version):
    sent = f"GET / {version}\r\nHost: a\r\n\r\n"
    expect_refusal(rsp, serve, sent, statuses=(400, 505))


def test_the_preface_of_http_2_is_refused(rsp, serve):
    expect_refusal(rsp, serve, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", statuses=(400, 505))


def test_a_request_for_a_tunnel_is_refused(rsp, serve):
    sent = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"
    expect_refusal(rsp, serve, sent, statuses=(400, 405, 501))


@pytest.mark.parametrize("name", AUTHORITY)
def test_an_unclear_authority_is_refused(rsp, serve, name):
    expect_refusal(rsp, serve, AUTHORITY[name])


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_is_refused(rsp, serve, name):
    expect_refusal(rsp, serve, POST + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKS[name])


@pytest.mark.parametrize("name", CHUNKS)
def test_a_malformed_chunk_that_comes_later_never_ends_the_request(rsp, serve, name):
    """The head is with the server by then, and it waits for a body that must never be whole."""
    server = serve(lambda connection: connection.read_request(), strict=False)
    with rsp(server).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        first = server.wait_for_connections(1)
        wait_until(lambda: b"abc" in first.received, "the first chunk at the server")
        client.send_as_far_as_possible(CHUNKS[name].encode() + request("GET", "/smuggled"))
        answer = client.read_to_cut()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    server.stop()
    assert server.requests == []
    assert b"/smuggled" not in server.received
