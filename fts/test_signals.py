"""Signals, draining, and what happens when the descriptors run out."""

import re
import select
import signal
import threading
import time

import pytest

from harness.messages import request, response
from harness.server import always
from harness.waiting import wait_until

SHORTAGE = r"(?i)too many open files|descriptor|EMFILE"


def answers_when(gate):
    def script(connection):
        while connection.read_request() is not None:
            assert gate.wait(20)
            connection.send(response(b"finished"))

    return script


def refuses(proxy):
    try:
        proxy.client().close()
        return False
    except ConnectionRefusedError:
        return True


def test_sigterm_ends_an_idle_proxy_with_success(rsp, serve):
    assert rsp(serve(always(response()))).stop(signal.SIGTERM) == 0


def test_sigterm_ends_idle_connections_at_once(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))), workers=2)
    clients = [proxy.client() for _ in range(10)]
    for client in clients:
        assert client.exchange(request()).body == b"x"
    assert proxy.stop(signal.SIGTERM) == 0
    for client in clients:
        assert client.wait_closed()


def test_sigterm_lets_running_requests_finish_and_takes_no_new_ones(rsp, serve):
    gate = threading.Event()
    server = serve(answers_when(gate))
    proxy = rsp(server, workers=2)
    with proxy.client() as client:
        client.send(request())
        server.wait_for_requests(1)
        proxy.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(proxy), "the listener to close")
        assert proxy.is_running
        gate.set()
        answer = client.read_response()
        assert answer.body == b"finished"
        assert client.wait_closed() == "eof"
    assert proxy.wait_for_exit() == 0


def test_sigterm_lets_a_running_upload_and_download_finish(rsp, serve):
    body = b"y" * 3_000_000

    def script(connection):
        asked = connection.read_request()
        connection.send(response(asked.body))

    server = serve(script)
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(request("POST", "/", f"Content-Length: {len(body)}"), body[:1_000_000])
        server.wait_for_connections(1)
        proxy.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(proxy), "the listener to close")
        client.send(body[1_000_000:])
        assert client.read_response().body == body
    assert proxy.wait_for_exit() == 0


def test_a_drain_is_bounded(rsp, serve):
    gate = threading.Event()
    server = serve(answers_when(gate))
    proxy = rsp(server, drain_timeout="400ms")
    with proxy.client() as client:
        client.send(request())
        server.wait_for_requests(1)
        assert proxy.stop(signal.SIGTERM) == 0
        client.read_to_cut()
    gate.set()


def test_a_drain_waits_for_no_tunnel_for_ever(rsp, serve):
    def script(connection):
        connection.read_request_head()
        connection.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
        )
        connection.read_to_cut()

    proxy = rsp(serve(script), drain_timeout="400ms")
    with proxy.client() as client:
        sent = request("GET", "/", "Upgrade: x", "Connection: Upgrade")
        assert client.exchange(sent).status == 101
        assert proxy.stop(signal.SIGTERM) == 0
        assert client.read_to_cut() == b""


def test_sigint_ends_a_drain(rsp, serve):
    gate = threading.Event()
    server = serve(answers_when(gate))
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(request())
        server.wait_for_requests(1)
        proxy.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(proxy), "the listener to close")
        assert proxy.stop(signal.SIGINT, seconds=5) in (0, 130)
        client.read_to_cut()
    gate.set()


def test_sigint_ends_at_once_with_requests_running(rsp, serve):
    gate = threading.Event()
    server = serve(answers_when(gate))
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(request())
        server.wait_for_requests(1)
        began = time.monotonic()
        status = proxy.stop(signal.SIGINT)
        assert time.monotonic() - began < 5
        # A shell's 130 will do as well as 0; dying of the signal will not.
        assert status in (0, 130)
        client.read_to_cut()
    gate.set()


def test_sigpipe_is_ignored(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))))
    proxy.send_signal(signal.SIGPIPE)
    assert proxy.exchange(request()).body == b"x"
    status = open(f"/proc/{proxy.pid}/status").read()
    ignored = int(re.search(r"^SigIgn:\s+(\w+)", status, re.M)[1], 16)
    assert ignored & 1 << (signal.SIGPIPE - 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_without_descriptors_accepting_pauses_and_goes_on_later(rsp, serve, workers):
    proxy = rsp(serve(always(response(b"x"))), descriptors=64, workers=workers)
    clients = [proxy.client() for _ in range(150)]
    sockets = [client.socket for client in clients]
    # Whether rsp holds the last ones back or turns some away: here it has noticed.
    wait_until(
        lambda: proxy.logged(SHORTAGE) or select.select(sockets, [], [], 0)[0],
        "the shortage to be noticed",
    )
    # It neither spins (processor time can only be measured over some time) ...
    cpu = proxy.cpu_seconds
    time.sleep(1)
    assert proxy.cpu_seconds - cpu < 0.3
    # ... nor fills the log ...
    assert len(proxy.logged(SHORTAGE)) <= 2 * workers
    # ... nor stops for good.
    for client in clients:
        client.close()
    wait_until(lambda: answers(proxy), "an answer after the shortage")
    assert proxy.is_running


def answers(proxy):
    try:
        return proxy.exchange(request()).body == b"x"
    except (AssertionError, OSError):
        return False
