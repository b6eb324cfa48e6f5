"""Requests that are sent without waiting are answered one by one, in order."""

from harness.messages import chunked, request, response
from harness.server import always


def echo_target(connection):
    while (asked := connection.read_request()) is not None:
        connection.send(response(asked.target))


def test_pipelined_requests_are_answered_in_order(rsp, serve):
    with rsp(serve(echo_target)).client() as client:
        client.send(b"".join(request("GET", f"/{number}") for number in range(100)))
        for number in range(100):
            assert client.read_response().body == b"/%d" % number


def test_pipelined_requests_may_have_bodies(rsp, serve):
    server = serve(echo_target)
    coded = request("POST", "/2", "Transfer-Encoding: chunked") + chunked(
        b"two", trailers=b"A: b\r\n"
    )
    with rsp(server).client() as client:
        client.send(request("POST", "/1", body=b"one") + coded + request("GET", "/3"))
        assert [client.read_response().body for _ in range(3)] == [b"/1", b"/2", b"/3"]
    assert [asked.body for asked in server.requests] == [b"one", b"two", b""]


def test_pipelined_requests_may_come_byte_by_byte(rsp, serve):
    with rsp(serve(echo_target)).client() as client:
        client.send_in_pieces(request("POST", "/1", body=b"one") + request("GET", "/2"))
        assert [client.read_response().body for _ in range(2)] == [b"/1", b"/2"]


def test_a_pipelined_request_does_not_overtake_a_slow_one(rsp, serve):
    def script(connection):
        while (asked := connection.read_request()) is not None:
            if asked.target == b"/slow":
                # What overtook it would be here by then.
                connection.is_silent_for(0.2)
            connection.send(response(asked.target))

    with rsp(serve(script)).client() as client:
        client.send(request("GET", "/slow") + request("GET", "/fast"))
        assert [client.read_response().body for _ in range(2)] == [b"/slow", b"/fast"]


def test_head_and_get_are_not_confused_in_a_pipeline(rsp, serve):
    def script(connection):
        while (asked := connection.read_request()) is not None:
            answer = response(b"hello")
            connection.send(answer[:-5] if asked.method == b"HEAD" else answer)

    with rsp(serve(script)).client() as client:
        client.send(request("HEAD") + request("GET") + request("HEAD") + request("GET"))
        for method in ("HEAD", "GET") * 2:
            answer = client.read_response(method)
            assert answer.body == (b"hello" if method == "GET" else b"")


def test_a_bad_request_ends_a_pipeline_after_the_answers_before_it(rsp, serve):
    server = serve(echo_target)
    with rsp(server).client() as client:
        client.send(request("GET", "/1") + b"GET / HTTP/1.1\r\n\r\n" + request("GET", "/3"))
        assert client.read_response().body == b"/1"
        assert client.read_response().status == 400
        assert client.read_to_cut() == b""
    assert [asked.target for asked in server.requests] == [b"/1"]


def test_what_follows_a_request_that_closes_is_ignored(rsp, serve):
    server = serve(echo_target)
    with rsp(server).client() as client:
        client.send(request("GET", "/1", "Connection: close") + request("GET", "/2"))
        assert client.read_response().body == b"/1"
        assert client.read_to_cut() == b""
    assert [asked.target for asked in server.requests] == [b"/1"]


def test_an_endless_pipeline_of_a_client_that_does_not_read_is_paused(rsp, serve):
    proxy = rsp(serve(always(response(b"x" * 1000))))
    with proxy.client(receive_buffer=4096) as client:
        client.socket.settimeout(1)
        block, sent = request() * 1000, 0
        try:
            while sent < 200_000_000:
                sent += client.socket.send(block)
        except TimeoutError:
            pass
        assert sent < 50_000_000
        assert proxy.memory < 100_000_000
