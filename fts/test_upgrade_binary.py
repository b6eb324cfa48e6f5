"""A new process takes over from the old one, and no client loses a connection."""

import os
import signal
import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harness.messages import request, response
from harness.ports import free_port
from harness.proxy import Proxy
from harness.server import always
from harness.waiting import wait_until
from test_upgrade import echo, websocket_server


class Successor:
    """The process that took over, which is nobody's child here: ended with the test."""

    def __init__(self, proxy):
        self.pid = proxy.ask({"command": "status"})["pid"]
        assert self.pid != proxy.pid

    @property
    def is_running(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        # An orphan that nobody waits for stays as a zombie in some containers.
        return open(f"/proc/{self.pid}/stat").read().rpartition(")")[2].split()[0] != "Z"

    def stop(self):
        if self.is_running:
            os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def upgraded(peers):
    """upgraded(proxy) -> the process that took over by `rsp upgrade`."""

    def upgrade(proxy):
        result = proxy.command("upgrade")
        assert result.returncode == 0, result.stdout
        successor = Successor(proxy)
        peers.callback(successor.stop)
        return successor

    return upgrade


def test_a_successor_serves_and_the_old_process_ends_well(rsp, serve, upgraded):
    proxy = rsp(serve(always(response(b"x"))), workers=2)
    successor = upgraded(proxy)
    assert proxy.wait_for_exit() == 0
    assert proxy.exchange(request()).body == b"x"
    assert os.path.exists(proxy.control)
    assert proxy.ask({"command": "status"})["pid"] == successor.pid


def test_a_signal_does_the_same(rsp, serve, peers):
    proxy = rsp(serve(always(response(b"x"))))
    proxy.send_signal(signal.SIGUSR2)
    proxy.wait_for_log("has taken over")
    assert proxy.wait_for_exit() == 0
    peers.callback(Successor(proxy).stop)
    assert proxy.exchange(request()).body == b"x"


def test_it_can_be_done_again_and_again(rsp, serve, upgraded):
    proxy = rsp(serve(always(response(b"x"))))
    first = upgraded(proxy)
    assert proxy.wait_for_exit() == 0
    second = upgraded(proxy)
    wait_until(lambda: not first.is_running, "the first successor to end")
    assert second.is_running and proxy.exchange(request()).body == b"x"


def test_a_running_request_finishes_in_the_old_process(rsp, serve, upgraded):
    gate = threading.Event()

    def script(connection):
        while connection.read_request() is not None:
            assert gate.wait(30)
            connection.send(response(b"finished"))

    server = serve(script)
    proxy = rsp(server)
    with proxy.client() as client:
        client.send(request())
        server.wait_for_requests(1)
        upgraded(proxy)
        assert proxy.is_running
        gate.set()
        answer = client.read_response()
        assert answer.body == b"finished" and b"close" in answer.connection_options
    assert proxy.wait_for_exit() == 0


def test_idle_connections_may_ask_once_more(rsp, serve, upgraded):
    proxy = rsp(serve(always(response(b"x"))))
    with proxy.client() as fresh, proxy.client() as kept:
        assert kept.exchange(request()).body == b"x"
        upgraded(proxy)
        for client in (fresh, kept):
            answer = client.exchange(request())
            assert answer.body == b"x" and b"close" in answer.connection_options
    assert proxy.wait_for_exit() == 0


def test_no_connection_is_lost_under_load(rsp, serve, upgraded):
    proxy = rsp(serve(always(response(b"x"))), workers=2)
    stop, failures, counts = threading.Event(), [], []

    def client():
        count = 0
        try:
            while not stop.is_set():
                with proxy.client() as connection:
                    for _ in range(5):
                        answer = connection.exchange(request())
                        assert answer.body == b"x"
                        count += 1
                        if b"close" in answer.connection_options:
                            break
        except Exception as error:
            failures.append(error)
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    upgraded(proxy)
    assert proxy.wait_for_exit() == 0
    upgraded(proxy)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert not failures and min(counts) > 0


def test_a_unix_listener_is_taken_over(rsp, serve, upgraded):
    proxy = rsp(serve(always(response(b"x"))), listen="unix:/tmp/rsp-take-%d.sock" % os.getpid())
    proxy.port = "/tmp/rsp-take-%d.sock" % os.getpid()
    upgraded(proxy)
    assert proxy.wait_for_exit() == 0
    assert proxy.exchange(request()).body == b"x"
    os.unlink(proxy.port)


def test_the_new_process_reads_the_file_anew(rsp, serve, upgraded):
    proxy = rsp(serve(always(response(b"old"))))
    new, other = serve(always(response(b"new"))), free_port()
    proxy.file.write_text(
        f'workers(2) listen "127.0.0.1:{other}" listen "127.0.0.1:{proxy.port}"\n'
        f'site "*" {{ ["/"] = proxy "{new.address}" }}'
    )
    upgraded(proxy)
    assert proxy.wait_for_exit() == 0
    assert proxy.exchange(request()).body == b"new"
    proxy.port = other
    assert proxy.exchange(request()).body == b"new"


def test_a_server_that_was_put_down_stays_down(rsp, serve, upgraded):
    servers = [serve(always(response(word))) for word in (b"a", b"b")]
    port = free_port()
    addresses = ", ".join(f'"{server.address}"' for server in servers)
    proxy = rsp(
        text=f'listen "127.0.0.1:{port}" upstream "app" {{ {addresses} }}\n'
        'site "*" { ["/"] = proxy "app" }',
        port=port,
    )
    proxy.command("down", "app", servers[0].address)
    upgraded(proxy)
    assert proxy.wait_for_exit() == 0
    assert {proxy.exchange(request()).body for _ in range(8)} == {b"b"}


@pytest.mark.parametrize("broken", ['listen "x', "os.exit = nil error('no')"])
def test_the_old_process_goes_on_when_the_new_one_cannot_start(rsp, serve, broken):
    proxy = rsp(serve(always(response(b"x"))))
    proxy.file.write_text(broken)
    result = proxy.command("upgrade")
    assert result.returncode == 1 and "goes on" in result.stdout
    assert proxy.is_running and proxy.exchange(request()).body == b"x"
    assert proxy.ask({"command": "status"})["pid"] == proxy.pid


def test_a_successor_that_dies_half_way_leaves_the_old_process_alone(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(proxy.control)
        client.sendall(b'{"command":"takeover","pid":1}\n')
        data, descriptors, _, _ = socket.recv_fds(client, 65536, 16)
        while not descriptors:
            _, descriptors, _, _ = socket.recv_fds(client, 65536, 16)
        for descriptor in descriptors:
            os.close(descriptor)
    proxy.wait_for_log("did not become ready")
    assert proxy.exchange(request()).body == b"x"
    assert proxy.command("reload").returncode == 0


def test_a_process_started_by_hand_takes_over(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))))
    other = Proxy([proxy.file, "--takeover", proxy.control, "--control", proxy.control], proxy.port)
    try:
        other.wait_for_start()
        assert proxy.wait_for_exit() == 0
        assert other.exchange(request()).body == b"x"
        other.control = proxy.control
        assert other.ask({"command": "status"})["pid"] == other.pid
    finally:
        other.clean_up()


def test_without_anybody_to_take_over_from_the_start_fails(rsp, serve, tmp_path):
    from harness.proxy import run

    proxy = rsp(serve(always(response(b"x"))))
    result = run(proxy.file, "--takeover", tmp_path / "absent.sock")
    assert result.returncode == 1 and "cannot take over" in result.stdout


def test_websockets_of_the_old_process_are_sent_away_when_its_time_is_over(rsp, upgraded):
    with websocket_server(echo) as address:
        proxy = rsp(address, drain_timeout="2s")
        with connect(f"ws://127.0.0.1:{proxy.port}/") as websocket:
            upgraded(proxy)
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(timeout=20)
        assert closed.value.rcvd and closed.value.rcvd.code == 1001
        assert proxy.wait_for_exit() == 0
