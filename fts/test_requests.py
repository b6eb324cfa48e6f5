"""What becomes of good requests and their responses: every byte that should arrive does."""

import pytest

from harness.messages import Head, request, response
from harness.server import always, once

# Without the fields that rsp adds, a request arrives exactly as it was sent.
BARE = {"forwarded_fields": False, "request_id": False}


def test_a_request_arrives_byte_for_byte(rsp, serve):
    server = serve(always(response()))
    sent = request(
        "GET", "/path/x?q=1&q=%20", "uSER-aGENT: me/1.0 (a; b)", "Z: 1", "A: 2", "Z: 3", "Empty:"
    )
    assert rsp(server, **BARE).exchange(sent).status == 200
    assert Head(server.received).first_line == b"GET /path/x?q=1&q=%20 HTTP/1.1"
    assert Head(server.received).fields == Head(sent).fields


def test_a_response_arrives_byte_for_byte(rsp, serve):
    sent = response(
        b"body", "Date: Sat, 21 Nov 2026 10:00:00 GMT", "sERVER: x", "B: 2", "A: 1", "B: 3"
    )
    answer = rsp(serve(always(sent))).exchange(request())
    assert answer.first_line == b"HTTP/1.1 200 OK"
    assert answer.fields == Head(sent.removesuffix(b"body")).fields
    assert answer.body == b"body"


@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY", "PURGE", "m!x"]
)
def test_every_method_is_forwarded(rsp, serve, method):
    server = serve(always(response(b"done")))
    assert rsp(server).exchange(request(method, "/x")).body == b"done"
    assert server.requests[0].first_line == f"{method} /x HTTP/1.1".encode()


def test_methods_are_case_sensitive(rsp, serve):
    server = serve(always(response(b"done")))
    assert rsp(server).exchange(request("get")).body == b"done"
    assert server.requests[0].method == b"get"


def test_a_request_may_come_byte_by_byte(rsp, serve):
    server = serve(always(response(b"done")))
    with rsp(server, **BARE).client() as client:
        client.send_in_pieces(request("POST", "/slow", "A: b", body=b"0123456789"))
        assert client.read_response().body == b"done"
    assert server.requests[0].body == b"0123456789"
    assert server.requests[0].target == b"/slow"


def test_a_response_may_come_byte_by_byte(rsp, serve):
    def script(connection):
        connection.read_request()
        connection.send_in_pieces(response(b"0123456789", "A: b"))

    answer = rsp(serve(script)).exchange(request())
    assert (answer.body, answer.get(b"A")) == (b"0123456789", b"b")


def test_an_empty_line_before_the_request_line_is_skipped(rsp, serve):
    server = serve(always(response(b"done")))
    assert rsp(server, **BARE).exchange(b"\r\n" + request()).body == b"done"
    assert server.received.startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "target, host",
    [
        ("http://example.com/a?b", "example.com"),
        ("http://example.com:8080/a?b", "example.com:8080"),
    ],
)
def test_an_absolute_target_reaches_the_server_in_origin_form(rsp, serve, target, host):
    server = serve(always(response(b"done")))
    assert rsp(server).exchange(request("GET", target, host=host)).status == 200
    assert server.requests[0].first_line == b"GET /a?b HTTP/1.1"
    assert server.requests[0].all(b"Host") == [host.encode()]


def test_an_absolute_target_without_a_path_means_the_root(rsp, serve):
    server = serve(always(response()))
    assert rsp(server).exchange(request("GET", "http://example.com")).status == 200
    assert server.requests[0].target == b"/"


def test_an_absolute_target_without_a_path_keeps_its_query(rsp, serve):
    server = serve(always(response()))
    assert rsp(server).exchange(request("GET", "http://example.com?a=b")).status == 200
    assert server.requests[0].target == b"/?a=b"


def test_options_with_an_asterisk_is_forwarded(rsp, serve):
    server = serve(always(response()))
    assert rsp(server).exchange(request("OPTIONS", "*")).status == 200
    assert server.requests[0].first_line == b"OPTIONS * HTTP/1.1"


@pytest.mark.parametrize(
    "sent, received",
    [
        ("/a/%2e%2e/b", "/b"),
        ("/a/../b", "/b"),
        ("/a/%2E/b", "/a/b"),
        ("/a/./b", "/a/b"),
        ("/a//b", "/a/b"),
        ("/%7Euser/%41", "/~user/A"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%5Cb", "/a%5Cb"),
        ("/a%2fb%5c", "/a%2Fb%5C"),
        ("/a%20b%3F", "/a%20b%3F"),
        ("/a?x=/../%2e%2e//%41", "/a?x=/../%2e%2e//%41"),
        ("/a/..", "/"),
        ("/a/b/", "/a/b/"),
        ("/...", "/..."),
        ("/a?", "/a?"),
    ],
)
def test_one_normalised_path_is_forwarded(rsp, serve, sent, received):
    server = serve(always(response()))
    assert rsp(server).exchange(request("GET", sent)).status == 200
    assert server.requests[0].target.decode() == received


def test_a_request_of_http_1_0_is_forwarded_as_1_1_with_one_host(rsp, serve):
    server = serve(always(response(b"done")))
    answer = rsp(server).exchange(b"GET /old HTTP/1.0\r\nHost: example.com\r\n\r\n")
    assert answer.body == b"done"
    assert server.requests[0].version == b"HTTP/1.1"
    assert server.requests[0].all(b"Host") == [b"example.com"]


def test_a_request_of_http_1_0_needs_no_host(rsp, serve):
    server = serve(always(response(b"done")))
    assert rsp(server).exchange(b"GET /old HTTP/1.0\r\n\r\n").body == b"done"
    assert len(server.requests[0].all(b"Host")) == 1


@pytest.mark.parametrize("status", ["200 ", "299 Fine", "404 Not Found", "500 Oh", "999 Odd"])
def test_status_and_reason_pass_unchanged(rsp, serve, status):
    answer = rsp(serve(always(response(b"x", status=status)))).exchange(request())
    assert answer.first_line == f"HTTP/1.1 {status}".encode()


def test_a_status_line_without_a_reason_is_taken(rsp, serve):
    server = serve(once(b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx"))
    assert rsp(server).exchange(request()).body == b"x"


def test_a_response_of_http_1_0_is_sent_on_as_1_1(rsp, serve):
    server = serve(once(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
    answer = rsp(server).exchange(request())
    assert (answer.version, answer.body) == (b"HTTP/1.1", b"hi")


def test_two_hundred_clients_at_once_get_their_own_answers(rsp, serve):
    def echo_target(connection):
        while (asked := connection.read_request()) is not None:
            connection.send(response(asked.target))

    proxy = rsp(serve(echo_target))
    clients = [proxy.client() for _ in range(200)]
    for number, client in enumerate(clients):
        client.send(request("GET", f"/{number}"))
    for number, client in enumerate(clients):
        assert client.read_response().body == f"/{number}".encode()
        client.close()
