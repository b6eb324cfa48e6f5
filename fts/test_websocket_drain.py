"""WebSockets that have to end are closed with code 1001, between two frames (RFC 6455 5.5.1, 7.4.1)."""

import contextlib
import signal
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harness.messages import request
from harness.ports import free_port
from test_reload import text
from test_upgrade import websocket_server

GOING_AWAY = b"\x88\x02\x03\xe9"
ASK = request("GET", "/", "Connection: Upgrade", "Upgrade: websocket")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"


class Echo:
    """A WebSocket server that echoes, and notes how its clients close."""

    def __init__(self):
        self.closed = threading.Event()
        self.code = None

    def __call__(self, websocket):
        try:
            while True:
                websocket.send(websocket.recv())
        except ConnectionClosed as closed:
            self.code = closed.rcvd and closed.rcvd.code
            self.closed.set()


def close_code(websocket):
    with pytest.raises(ConnectionClosed) as closed:
        websocket.recv(timeout=20)
    return closed.value.rcvd and closed.value.rcvd.code


def test_sigterm_sends_clients_away_at_once(rsp):
    echo = Echo()
    with websocket_server(echo) as address:
        proxy = rsp(address, drain_timeout="1h")
        with connect(f"ws://127.0.0.1:{proxy.port}/") as websocket:
            websocket.send("x")
            assert websocket.recv(timeout=10) == "x"
            proxy.send_signal(signal.SIGTERM)
            assert close_code(websocket) == 1001
        assert echo.closed.wait(10) and echo.code == 1001
        # It did not wait for the drain time.
        assert proxy.wait_for_exit() == 0


def test_a_reload_leaves_the_drain_time_first(rsp):
    class Server:
        pass

    with websocket_server(Echo()) as address:
        server, port = Server(), free_port()
        server.address = address
        proxy = rsp(text=text([port], server, drain_timeout="1s"), port=port)
        with connect(f"ws://127.0.0.1:{port}/") as websocket:
            proxy.file.write_text(
                text([port], server, drain_timeout="1s", route='tunnel_timeout = "2h"')
            )
            proxy.reload()
            websocket.send("still here")
            assert websocket.recv(timeout=10) == "still here"
            assert close_code(websocket) == 1001
        assert proxy.is_running


def frame(payload):
    return b"\x82\x7f" + len(payload).to_bytes(8, "big") + payload


@contextlib.contextmanager
def stopped_amid(rsp, serve, first, rest):
    """A client that has read `first` of the server when rsp is told to end; then `rest` comes."""
    stopping = threading.Event()

    def script(connection):
        connection.read_request_head()
        connection.send(SWITCH + first)
        assert stopping.wait(20)
        connection.send(rest)
        connection.read_to_cut()

    proxy = rsp(serve(script))
    with proxy.client() as client:
        client.send(ASK)
        assert client.read_response().status == 101
        assert client.read_exactly(len(first)) == first
        proxy.send_signal(signal.SIGTERM)
        yield client, stopping
    assert proxy.wait_for_exit() == 0


LARGE = frame(bytes(range(256)) * 4096)


@pytest.mark.parametrize("cut", [1, 2, 5, 10, 11, 500_000, len(LARGE) - 1])
def test_a_frame_that_is_under_way_is_completed_first(rsp, serve, cut):
    behind = frame(b"never seen")[:7]
    with stopped_amid(rsp, serve, LARGE[:cut], LARGE[cut:] + behind) as (client, stopping):
        assert client.is_silent_for(0.2)
        stopping.set()
        assert client.read_exactly(len(LARGE) - cut) == LARGE[cut:]
        assert client.read_exactly(4) == GOING_AWAY
        assert client.wait_closed() == "eof"


def test_nothing_follows_a_close_frame_of_the_server(rsp, serve):
    with stopped_amid(rsp, serve, b"\x88\x02\x03\xe8", b"") as (client, stopping):
        stopping.set()
        assert client.wait_closed() == "eof"
