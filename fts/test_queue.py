"""max_connections: how many requests a server gets at a time, and who waits for how long."""

import threading
import time

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.waiting import wait_until


class Gate:
    """A server's script that answers only when it is told to, and knows how many are inside."""

    def __init__(self):
        self.inside, self.most, self.entered = 0, 0, 0
        self._lock, self._open = threading.Lock(), threading.Semaphore(0)

    def __call__(self, connection):
        while connection.read_request() is not None:
            with self._lock:
                self.inside += 1
                self.entered += 1
                self.most = max(self.most, self.inside)
            assert self._open.acquire(timeout=60)
            with self._lock:
                self.inside -= 1
            connection.send(response(b"done"))

    def let(self, count=1):
        self._open.release(count)


@pytest.fixture
def busy(rsp, serve):
    """busy(limit, workers, options) -> a Gate and a Proxy in front of it."""

    def start(limit, workers=1, **options):
        gate = Gate()
        server, port = serve(gate), free_port()
        options = "".join(f", {name} = {value}" for name, value in options.items())
        text = f"""
            workers({workers})
            listen "127.0.0.1:{port}"
            upstream "app" {{
              {{ "{server.address}", max_connections = {limit} }}{options}
            }}
            site "*" {{ ["/"] = proxy "app" }}
        """
        return gate, rsp(text=text, port=port)

    return start


def waiting(proxy, count, peers):
    clients = [proxy.client() for _ in range(count)]
    for client in clients:
        peers.callback(client.close)
        client.send(request())
    return clients


def test_a_server_gets_no_more_than_its_limit(busy, peers):
    gate, proxy = busy(2)
    clients = waiting(proxy, 5, peers)
    wait_until(lambda: gate.inside == 2, "two inside")
    gate.let(5)
    for client in clients:
        assert client.read_response().body == b"done"
    assert gate.most == 2


def test_the_limit_is_one_for_all_workers(busy, peers):
    gate, proxy = busy(2, workers=3)
    clients = waiting(proxy, 24, peers)
    wait_until(lambda: gate.inside == 2, "two inside")
    gate.let(24)
    for client in clients:
        assert client.read_response().body == b"done"
    assert gate.most == 2
    assert gate.entered == 24


def test_who_waits_longest_is_next(busy, peers):
    gate, proxy = busy(1, workers=1)
    clients = []
    for _ in range(5):
        clients += waiting(proxy, 1, peers)
        # Each stands in the line before the next one comes: an answer has passed the worker.
        proxy.exchange(b"GET / HTTP/1.1\r\n\r\n")
    for client in clients:
        gate.let()
        assert client.read_response().body == b"done"


def test_as_many_wait_as_may_and_the_next_is_refused(busy, peers):
    gate, proxy = busy(1, queue=2)
    inside = waiting(proxy, 1, peers)
    wait_until(lambda: gate.inside == 1, "one inside")
    queued = []
    for _ in range(2):
        queued += waiting(proxy, 1, peers)
        proxy.exchange(b"GET / HTTP/1.1\r\n\r\n")
    refused = proxy.exchange(request())
    assert refused.status == 503
    assert int(refused.get(b"Retry-After")) > 0
    gate.let(3)
    for client in inside + queued:
        assert client.read_response().body == b"done"


def test_a_queue_of_none_refuses_at_once(busy, peers):
    gate, proxy = busy(1, queue=0)
    (client,) = waiting(proxy, 1, peers)
    wait_until(lambda: gate.inside == 1, "one inside")
    assert proxy.exchange(request()).status == 503
    gate.let()
    assert client.read_response().body == b"done"


def test_waiting_takes_no_longer_than_queue_timeout(busy, peers):
    gate, proxy = busy(1, queue_timeout='"200ms"')
    (client,) = waiting(proxy, 1, peers)
    wait_until(lambda: gate.inside == 1, "one inside")
    began = time.monotonic()
    late = proxy.exchange(request())
    assert late.status == 503
    assert int(late.get(b"Retry-After")) > 0
    assert time.monotonic() - began >= 0.15
    gate.let()
    assert client.read_response().body == b"done"


def test_who_leaves_makes_room_in_the_queue(busy, peers):
    gate, proxy = busy(1, queue=1)
    inside = waiting(proxy, 1, peers)
    wait_until(lambda: gate.inside == 1, "one inside")
    (impatient,) = waiting(proxy, 1, peers)
    wait_until(lambda: proxy.exchange(request()).status == 503, "a full queue")
    impatient.close()
    # Its place is free once rsp has noticed, a second after the close at the latest.
    stayed = []

    def stays():
        client = proxy.client()
        client.send(request())
        if client.is_silent_for(0.3):
            peers.callback(client.close)
            stayed.append(client)
            return True
        assert client.read_response().status == 503
        client.close()
        return False

    wait_until(stays, "room in the queue")
    gate.let(2)
    assert inside[0].read_response().body == b"done"
    assert stayed[0].read_response().body == b"done"
    # The one that left never came to the server.
    assert gate.entered == 2
