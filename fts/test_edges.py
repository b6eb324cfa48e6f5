"""Where two rules meet: moments at which several things happen to one exchange at once."""

import contextlib
import os
import signal
import threading

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import always
from harness.waiting import wait_until

UPGRADE = b"Host: a\r\nConnection: Upgrade\r\nUpgrade: chat/1\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat/1\r\nConnection: Upgrade\r\n\r\n"


def is_stopped(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "T"


@contextlib.contextmanager
def standing_still(proxy):
    """The proxy sees everything that happens meanwhile in one turn of its loop."""
    proxy.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: is_stopped(proxy.pid), "the proxy to stand still")
        yield
    finally:
        proxy.send_signal(signal.SIGCONT)


def test_the_rest_of_an_upload_that_the_server_broke_off_never_becomes_a_request(rsp, serve):
    half_came, stands, answered = threading.Event(), threading.Event(), threading.Event()

    def script(connection):
        if connection.number > 0:
            return always(response(b"smuggled"))(connection)
        connection.read_request_head()
        connection.read_exactly(10)
        half_came.set()
        assert stands.wait(10)
        connection.send(response(b"no", status="413 Content Too Large"))
        connection.reset()
        answered.set()

    server = serve(script)
    proxy = rsp(server)
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    with proxy.client() as client:
        length = 20 + len(smuggled)
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        client.send(b"x" * 10)
        assert half_came.wait(10)
        with standing_still(proxy):
            stands.set()
            assert answered.wait(10)
            client.send(b"y" * 10)
        answer = client.read_response()
        assert answer.status in (413, 502)
        client.send_as_far_as_possible(smuggled)
        rest = client.read_to_cut()
    assert rest == b""
    assert b"close" in answer.connection_options
    assert b"/smuggled" not in server.received


def test_the_head_comes_before_the_body_when_trailers_fill_the_block(rsp, serve):
    # As much as one receive takes; each trailer grows by the blank that it lacks.
    size = 65536 - 1024 - 32
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    end = b"\r\n0\r\n" + b"".join(b"t%d:v\r\n" % i for i in range(60)) + b"\r\n"
    data = b"d" * (size - len(head) - len(end) - 6)
    whole = head + b"%04x\r\n" % len(data) + data + end
    assert len(whole) == size
    asked, stands, sent = threading.Event(), threading.Event(), threading.Event()

    def script(connection):
        connection.read_request()
        asked.set()
        assert stands.wait(10)
        connection.send(whole)
        sent.set()
        connection.read_to_cut()

    proxy = rsp(serve(script))
    with proxy.client() as client:
        client.send(request())
        assert asked.wait(10)
        with standing_still(proxy):
            stands.set()
            assert sent.wait(10)
        answer = client.read_response()
        assert answer.status == 200
        assert answer.body == data
        assert len(answer.trailers) == 60


@pytest.mark.parametrize("size", [70_000, 200_000, 5_000_000])
def test_a_server_connection_is_used_again_after_a_large_body(rsp, serve, size):
    server = serve(always(response(b"x" * size)))
    with rsp(server).client() as client:
        for _ in range(3):
            assert len(client.exchange(request()).body) == size
    assert len(server.connections) == 1


@pytest.mark.parametrize("stray", [b"", b"\r\n"], ids=["quiet", "stray"])
@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_a_body_that_breaks_off_does_not_look_whole_to_http_1_0(rsp, serve, framing, stray):
    go = threading.Event()

    def script(connection):
        connection.read_request()
        if framing == "chunked":
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        else:
            connection.send(b"HTTP/1.0 200 OK\r\n\r\nhello")
        assert go.wait(10)
        connection.reset()

    with rsp(serve(script)).client() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        client.read_head()
        assert client.read_exactly(5) == b"hello"
        client.send(stray)
        go.set()
        assert client.wait_closed() == "reset"


def test_what_follows_the_last_chunk_of_an_upgrade_reaches_the_tunnel(rsp, serve):
    head_came = threading.Event()

    def script(connection):
        connection.read_request_head()
        head_came.set()
        assert connection.read_chunked()[0] == b""
        connection.send(SWITCH)
        assert connection.read_exactly(5) == b"early"

    with rsp(serve(script, strict=True)).client() as client:
        client.send(b"POST / HTTP/1.1\r\n" + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n")
        assert head_came.wait(10)
        client.send(b"0\r\n\r\nearly")
        assert client.read_response().status == 101
        assert client.wait_closed() == "eof"


def test_a_switch_before_the_end_of_the_request_is_refused(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(SWITCH)
        connection.read_to_cut()

    with rsp(serve(script)).client() as client:
        client.send(b"POST / HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 10\r\n\r\n")
        assert client.read_response().status == 502


@pytest.mark.parametrize("offer", [b"h2c", b"H2C", b"websocket, h2c", b"HTTP/2.0", b"TLS/1.2"])
def test_no_upgrade_to_another_http_is_offered_to_a_server(rsp, serve, offer):
    server = serve(always(response(b"plain")))
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    asked += b"Upgrade: " + offer + b"\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    assert rsp(server).exchange(asked).body == b"plain"
    forwarded = server.requests[0]
    assert b"HTTP2-Settings" not in forwarded
    offered = (forwarded.get(b"Upgrade") or b"").lower()
    assert b"h2c" not in offered and b"http/" not in offered and b"tls/" not in offered


def test_a_request_is_never_sent_again_after_an_interim_response(rsp, serve):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    def script(connection):
        connection.read_request()
        connection.send(response(b"%d" % connection.number))
        if connection.read_request() is not None:
            connection.send(hints)

    server = serve(script)
    with rsp(server).client() as client:
        assert client.exchange(request()).body == b"0"
        client.send(request("GET", "/again"))
        assert client.read_response().status == 103
        assert client.read_response().status == 502
    assert [asked.target for asked in server.requests] == [b"/", b"/again"]


def test_interim_responses_leave_room_for_the_final_one(rsp, serve):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 4000 + b"\r\n\r\n"
    seen = [threading.Event() for _ in range(20)]

    def script(connection):
        connection.read_request()
        for event in seen:
            connection.send(hints)
            assert event.wait(10)
        connection.send(response(b"done"))
        connection.read_to_cut()

    with rsp(serve(script)).client() as client:
        client.send(request())
        for event in seen:
            assert client.read_response().status == 103
            event.set()
        assert client.read_response().body == b"done"


def test_a_pipelined_request_behind_a_chunked_body_is_answered_after_a_half_close(rsp, serve):
    head_came, stands = threading.Event(), threading.Event()

    def script(connection):
        while True:
            head = connection.read_request_head()
            if head.is_chunked:
                head_came.set()
                connection.read_chunked()
            assert stands.wait(10)
            connection.send(response(head.target))

    proxy = rsp(serve(script))
    with proxy.client() as client:
        client.send(b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert head_came.wait(10)
        with standing_still(proxy):
            client.send(b"0\r\n\r\n" + request("GET", "/2"))
            client.half_close()
        stands.set()
        assert client.read_response().body == b"/1"
        assert client.read_response().body == b"/2"


def test_a_204_names_no_length(rsp, serve):
    server = serve(always(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"))
    with rsp(server).client() as client:
        client.send(request())
        assert b"Content-Length" not in client.read_response()


def test_a_refused_upload_is_drained_although_its_client_has_ended_it(rsp, serve):
    with rsp(serve(always(response())), max_body="1k").client() as client:
        client.send(request("POST", "/", body=b"x" * 20_000))
        client.half_close()
        assert client.read_response().status == 413
        assert client.wait_closed() == "eof"


def test_a_server_may_think_before_it_says_continue(rsp, serve):
    def script(connection):
        connection.read_request_head()
        assert connection.is_silent_for(1)
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert connection.read_exactly(5) == b"hello"
        connection.send(response(b"thanks"))

    with rsp(serve(script), body_timeout="300ms").client() as client:
        client.send(request("POST", "/", "Expect: 100-continue", "Content-Length: 5"))
        assert client.read_response().status == 100
        client.send(b"hello")
        assert client.read_response().body == b"thanks"


def test_a_server_that_closes_after_its_response_is_let_go_before_a_slow_client(rsp, serve):
    body = b"x" * 12_000_000
    let_go = threading.Event()

    def script(connection):
        connection.read_request()
        connection.send(response(body, "Connection: close"))
        connection.half_close()
        assert connection.wait_closed() == "eof"
        let_go.set()

    with rsp(serve(script), buffering="16m").client(receive_buffer=4096) as client:
        client.send(request())
        assert let_go.wait(10)
        assert client.read_response().body == body


def test_a_head_over_the_largest_limit_gets_431(rsp, serve):
    proxy = rsp(serve(always(response())), max_head="64k", max_fields=1000)
    lines = [f"A{i}: " + "x" * 1000 for i in range(70)]
    with proxy.client() as client:
        client.send_as_far_as_possible(request("GET", "/", *lines))
        assert client.read_response().status == 431


def test_a_head_just_below_the_largest_limit_is_forwarded(rsp, serve):
    server = serve(always(response(b"ok")))
    proxy = rsp(server, max_head="64k", max_line="64k")
    empty = len(request("GET", "/", "A: "))
    asked = request("GET", "/", "A: " + "x" * (65536 - empty - 30))
    assert proxy.exchange(asked).status == 200


def test_an_upload_may_go_on_for_a_moment_after_a_whole_early_answer(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(response(b"enough", status="413 Content Too Large"))
        connection.read_to_cut()

    with rsp(serve(script)).client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        assert client.read_response().body == b"enough"
        assert client.wait_closed() == "eof"
        # Behaviour 8: what comes now is dropped, not answered with a reset.
        assert client.send_as_far_as_possible(b"x" * 500)
        assert client.send_as_far_as_possible(b"x" * 499)
        assert client.send_as_far_as_possible(b"x")


def test_idle_clients_cannot_take_the_descriptors_of_servers(rsp, serve):
    proxy = rsp(serve(always(response(b"ok"))), descriptors=64)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(proxy.client()) for _ in range(80)]
        clients[0].send(request())
        assert clients[0].read_response().body == b"ok"


def test_there_may_be_many_upstreams(rsp, serve):
    server = serve(always(response(b"ok")))
    upstreams = "\n".join(f'upstream "u{i}" {{ "{server.address}" }}' for i in range(300))
    port = free_port()
    site = 'site "*" { ["/"] = proxy "u0" }'
    text = f'workers(1)\nlisten "127.0.0.1:{port}"\n{upstreams}\n{site}\n'
    assert rsp(text=text, port=port).exchange(request()).body == b"ok"


def test_a_client_that_could_not_know_of_the_close_is_not_reset(rsp, serve):
    with rsp(serve(always(response(b"last"))), keepalive_requests=1).client() as client:
        assert client.exchange(request()).body == b"last"
        assert client.wait_closed() == "eof"
        # RFC 9112 9.6: a reset could destroy the response that is on its way before it.
        for _ in range(3):
            assert client.send_as_far_as_possible(request())


def sockets_of(pid):
    count = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
    return count


def test_a_body_that_breaks_off_does_not_destroy_the_response_before_it(rsp, serve):
    body = b"w" * 400_000

    def script(connection):
        while (asked := connection.read_request()) is not None:
            if asked.target == b"/1":
                connection.send(response(body, "Connection: close"))
                return
            connection.send(b"HTTP/1.0 200 OK\r\n\r\nhello")
            connection.reset()
            return

    server = serve(script)
    proxy = rsp(server)
    quiet = sockets_of(proxy.pid)
    with proxy.client(receive_buffer=32768) as client:
        client.send(request("GET", "/1") + request("GET", "/2"))
        server.wait_for_requests(2)
        wait_until(lambda: sockets_of(proxy.pid) == quiet, "the exchange to end")
        assert client.read_response().body == body
