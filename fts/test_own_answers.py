"""Answers that rsp gives by itself: `respond` and `redirect`."""

import pytest

from harness.messages import request
from harness.ports import free_port

SITE = """
workers(1)
listen "127.0.0.1:%d"
site "*" {
  ["/"] = respond(200, "hello\\n"),
  ["= /nothing"] = respond(204),
  ["= /same"] = respond(304),
  ["= /large"] = respond(200, string.rep("0123456789", 30000)),
  ["/old/"] = redirect "https://$host/new$request_uri",
  ["/agent/"] = redirect "/hello?$http_x_name",
  ["~ ^/user/([a-z]+)/(.*)$"] = redirect "/$2/$1",
}
"""


@pytest.fixture
def answering(rsp):
    port = free_port()
    return rsp(text=SITE % port, port=port)


def test_a_response_has_what_a_server_would_send(answering):
    answer = answering.exchange(request())
    assert (answer.status, answer.body, answer.length) == (200, b"hello\n", 6)
    assert answer.get(b"Content-Type") == b"text/plain; charset=utf-8"
    assert answer.get(b"Date") is not None


def test_the_connection_stays_for_the_next_request(answering):
    with answering.client() as client:
        client.send(request() * 3)
        for _ in range(3):
            assert client.read_response().body == b"hello\n"


def test_http_1_0_is_told_whether_the_connection_stays(answering):
    with answering.client() as client:
        answer = client.exchange(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert answer.connection_options == {b"keep-alive"}
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.read_to_end().endswith(b"\r\n\r\nhello\n")


def test_head_gets_the_same_head_and_no_body(answering):
    with answering.client() as client:
        answer = client.exchange(request("HEAD"), "HEAD")
        assert answer.length == 6
        assert client.exchange(request()).body == b"hello\n"


@pytest.mark.parametrize(("target", "status"), [("/nothing", 204), ("/same", 304)])
def test_responses_without_a_body_say_nothing_of_one(answering, target, status):
    with answering.client() as client:
        answer = client.exchange(request("GET", target))
        assert answer.status == status
        assert b"Content-Length" not in answer and b"Content-Type" not in answer
        assert client.exchange(request()).body == b"hello\n"


def test_a_body_larger_than_any_block_comes_whole(answering):
    with answering.client() as client:
        assert client.exchange(request("GET", "/large")).body == b"0123456789" * 30000
        assert client.exchange(request()).body == b"hello\n"


def test_a_request_body_that_has_come_is_skipped(answering):
    with answering.client() as client:
        client.send(request("POST", "/", body=b"GET /x HTTP/1.1\r\n\r\n") + request())
        assert client.read_response().body == b"hello\n"
        assert client.read_response().body == b"hello\n"


def test_a_request_body_that_is_still_to_come_ends_the_connection(answering):
    with answering.client() as client:
        answer = client.exchange(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        assert answer.status == 200 and b"close" in answer.connection_options
        assert client.read_to_end() == b""


def test_a_redirect_is_made_of_the_request(answering):
    answer = answering.exchange(request("GET", "/old/a%20b?c=d", host="A.Example:81"))
    assert answer.status == 302
    assert answer.get(b"Location") == b"https://a.example/new/old/a%20b?c=d"


def test_a_redirect_knows_the_groups_of_its_expression(answering):
    assert answering.exchange(request("GET", "/user/joe/x/y")).get(b"Location") == b"/x/y/joe"


def test_what_has_no_place_in_a_url_is_escaped(answering):
    answer = answering.exchange(request("GET", "/agent/", 'X-Name: a b"<c>\xfc\\'))
    assert answer.get(b"Location") == b"/hello?a%20b%22%3Cc%3E%FC%5C"


def test_no_control_character_comes_out_in_a_location(answering):
    answer = answering.exchange(request("GET", "/agent/", "X-Name: a\tb"))
    assert answer.get(b"Location") == b"/hello?a%09b"
