"""Upgrade: what becomes a tunnel, what stays HTTP, and how a tunnel ends."""

import concurrent.futures
import contextlib
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve as serve_websockets

from harness.messages import Head, request, response
from harness.server import always
from harness.waiting import wait_until

ASK = request("GET", "/chat", "Connection: Upgrade", "Upgrade: chat/1", "Chat-Key: x")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat/1\r\nConnection: Upgrade\r\n\r\n"


def switches_then(rest):
    def script(connection):
        connection.read_request_head()
        connection.send(SWITCH)
        rest(connection)

    return script


def tunnel(proxy):
    client = proxy.client()
    assert client.exchange(ASK).status == 101
    return client


def test_101_makes_a_tunnel_in_both_directions(rsp, serve):
    def rest(connection):
        assert connection.read_exactly(4) == b"\0\xff\r\n"
        connection.send(b"\x80\n\n")
        assert connection.read_exactly(3) == b"end"

    with tunnel(rsp(serve(switches_then(rest), strict=True))) as client:
        client.send(b"\0\xff\r\n")
        assert client.read_exactly(3) == b"\x80\n\n"
        client.send(b"end")
        assert client.wait_closed() == "eof"


def test_the_fields_of_the_switch_are_forwarded_both_ways(rsp, serve):
    server = serve(switches_then(lambda connection: connection.read_to_cut()))
    with rsp(server).client() as client:
        answer = client.exchange(ASK)
        assert answer.get(b"Upgrade") == b"chat/1"
        assert answer.connection_options == {b"upgrade"}
    asked = Head(server.received)
    assert asked.get(b"Upgrade") == b"chat/1"
    assert asked.connection_options == {b"upgrade"}
    assert asked.get(b"Chat-Key") == b"x"


def test_bytes_right_behind_the_switch_reach_the_client(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(SWITCH + b"greeting")
        connection.read_to_cut()

    with tunnel(rsp(serve(script))) as client:
        assert client.read_exactly(8) == b"greeting"


def test_no_byte_of_the_client_reaches_the_server_before_its_101(rsp, serve):
    def script(connection):
        connection.read_request_head()
        assert connection.is_silent_for(0.3)
        connection.send(SWITCH)
        assert connection.read_exactly(5) == b"early"

    with rsp(serve(script, strict=True)).client() as client:
        client.send(ASK + b"early")
        assert client.read_response().status == 101
        assert client.wait_closed() == "eof"


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "426 Upgrade Required"])
def test_any_other_status_keeps_http(rsp, serve, status):
    """What a client sent behind its request is then the next request, checked like any other."""
    server = serve(always(response(b"no", status=status)))
    with rsp(server).client() as client:
        client.send(ASK + request("GET", "/next") + b"GET /bad HTTP/1.1\r\n\r\n")
        assert client.read_response().first_line.endswith(status.encode())
        assert client.read_response().body == b"no"
        assert client.read_response().status == 400
    assert [asked.target for asked in server.requests] == [b"/chat", b"/next"]


def test_an_upgrade_that_connection_does_not_name_is_dropped(rsp, serve):
    server = serve(always(response(b"plain")))
    assert rsp(server).exchange(request("GET", "/", "Upgrade: chat/1")).body == b"plain"
    assert b"Upgrade" not in server.requests[0]


def test_an_upgrade_on_http_1_0_is_dropped(rsp, serve):
    server = serve(always(response(b"plain")))
    sent = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat/1\r\n\r\n"
    assert rsp(server).exchange(sent).body == b"plain"
    assert b"Upgrade" not in server.requests[0]


def test_the_end_of_the_client_reaches_the_server_which_may_go_on(rsp, serve):
    def rest(connection):
        assert connection.read_to_end() == b"last words"
        connection.send(b"heard", b" them")

    with tunnel(rsp(serve(switches_then(rest), strict=True))) as client:
        client.send(b"last words")
        client.half_close()
        assert client.read_to_end() == b"heard them"


def test_the_end_of_the_server_reaches_the_client_which_may_go_on(rsp, serve):
    heard = []

    def rest(connection):
        connection.send(b"last words")
        connection.half_close()
        heard.append(connection.read_to_end())

    with tunnel(rsp(serve(switches_then(rest), strict=True))) as client:
        assert client.read_to_end() == b"last words"
        client.send(b"heard", b" them")
    wait_until(lambda: heard, "the words of the client")
    assert heard == [b"heard them"]


def test_a_reset_of_one_side_ends_the_other(rsp, serve):
    server = serve(switches_then(lambda connection: connection.read_to_cut()))
    proxy = rsp(server)
    before = proxy.descriptors
    tunnel(proxy).reset()
    wait_until(lambda: server.connections[0].ended, "the end of the server connection")
    proxy.wait_for_descriptors(before, spliced=1)

    server = serve(switches_then(lambda connection: connection.reset()))
    with tunnel(rsp(server)) as client:
        assert client.read_to_cut() == b""


def test_an_idle_tunnel_is_closed_in_time(rsp, serve):
    server = serve(switches_then(lambda connection: connection.read_to_cut()))
    with tunnel(rsp(server, tunnel_timeout="300ms")) as client:
        assert client.read_to_cut() == b""
    wait_until(lambda: server.connections[0].ended, "the end of the server connection")


def test_a_tunnel_in_use_outlives_all_other_timeouts(rsp, serve):
    def rest(connection):
        while data := connection.read_exactly(1):
            connection.send(data)

    short = dict.fromkeys(
        ["head_timeout", "keepalive_timeout", "body_timeout", "response_timeout", "read_timeout"],
        "200ms",
    )
    with tunnel(rsp(serve(switches_then(rest)), tunnel_timeout="600ms", **short)) as client:
        for _ in range(4):
            assert client.is_silent_for(0.3)
            client.send(b"x")
            assert client.read_exactly(1) == b"x"


def test_much_data_passes_a_tunnel_in_both_directions_at_once(rsp, serve):
    size = 8 << 20

    def rest(connection):
        reader = threading.Thread(target=connection.read_exactly, args=[size])
        reader.start()
        connection.send(b"s" * size)
        reader.join(20)
        assert bytes(connection.received[-size:]) == b"c" * size

    with tunnel(rsp(serve(switches_then(rest), strict=True))) as client:
        writer = threading.Thread(target=client.send, args=[b"c" * size])
        writer.start()
        assert client.read_exactly(size) == b"s" * size
        writer.join(20)
        assert client.wait_closed() == "eof"


# With a real WebSocket library on both sides


@contextlib.contextmanager
def websocket_server(handler):
    with serve_websockets(handler, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield "127.0.0.1:%d" % server.socket.getsockname()[1]
        server.shutdown()
        thread.join(5)


def echo(websocket):
    with contextlib.suppress(ConnectionClosed):
        for message in websocket:
            websocket.send(message)


def test_websocket_messages_are_echoed(rsp):
    with websocket_server(echo) as address:
        proxy = rsp(address)
        with connect(f"ws://127.0.0.1:{proxy.port}/", max_size=None) as websocket:
            for message in ["hello", "", b"\0\xff", "x" * 70_000, b"y" * (4 << 20)]:
                websocket.send(message)
                assert websocket.recv(timeout=20) == message
            assert websocket.ping().wait(10)


def test_a_close_code_of_the_server_reaches_the_client(rsp):
    with websocket_server(lambda websocket: websocket.close(4321, "bye")) as address:
        proxy = rsp(address)
        with connect(f"ws://127.0.0.1:{proxy.port}/") as websocket:
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(timeout=10)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "bye")


def test_fifty_websockets_at_once_do_not_disturb_each_other(rsp):
    def talk(port, number):
        with connect(f"ws://127.0.0.1:{port}/") as websocket:
            for turn in range(10):
                websocket.send(f"{number}/{turn}")
                assert websocket.recv(timeout=10) == f"{number}/{turn}"

    with websocket_server(echo) as address:
        proxy = rsp(address, workers=2)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda number: talk(proxy.port, number), range(50)))
