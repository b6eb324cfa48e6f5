"""Slow and vanishing peers: pages stay whole, memory stays bounded, nothing leaks."""

import hashlib
import pathlib
import random
import socket
import threading
import time

import pytest

from harness.messages import chunked, request, response
from harness.server import always
from harness.waiting import wait_until

MEBI = 1 << 20


def noise(size):
    return random.Random(size).randbytes(size)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def sends(data, framing="length"):
    """A script that sends `data` and then notes that all of it has left."""
    if framing == "length":
        answer = response(data)
    else:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(data)

    def script(connection):
        connection.sent = 0
        while connection.read_request() is not None:
            connection.send(answer)
            connection.sent += 1

    return script


# The server is free early, memory is bounded


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_response_within_the_buffer_frees_its_server_at_once(rsp, serve, framing):
    """Its connection has come to the pool, and its idle time has passed there, while the client
    has not read a byte."""
    data = noise(200_000)
    server = serve(sends(data, framing))
    proxy = rsp(server, buffering="256k", idle_timeout="200ms")
    with proxy.client(receive_buffer=2048) as slow:
        slow.send(request())
        server.wait_for_requests(1)
        wait_until(lambda: server.connections[0].ended, "the end of the idle connection")
        assert server.connections[0].sent == 1
        assert digest(slow.read_response().body) == digest(data)


def test_a_response_over_the_buffer_pauses_its_server(rsp, serve):
    """What can be on the way is what rsp and the kernel hold, not what the server would give."""
    given = 0
    stalled = threading.Event()

    def script(connection):
        nonlocal given
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 * MEBI))
        connection.socket.settimeout(1)
        try:
            while given < 200 * MEBI:
                given += connection.socket.send(bytes(65536))
        except TimeoutError:
            pass
        connection.socket.settimeout(20)
        stalled.set()
        connection.read_to_cut()

    server = serve(script)
    proxy = rsp(server)
    with proxy.client(receive_buffer=4096) as slow:
        slow.send(request())
        assert stalled.wait(20)
        assert given < 40 * MEBI
        assert proxy.memory < 60 * MEBI


def test_memory_stays_bounded_with_many_slow_readers(rsp, serve):
    data = noise(20 * MEBI)
    proxy = rsp(serve(sends(data)))
    before = proxy.memory
    clients = [proxy.client(receive_buffer=4096) for _ in range(20)]
    for client in clients:
        client.send(request())
    for client in clients:
        client.read_head()
    # Everybody else is served meanwhile.
    assert digest(proxy.exchange(request()).body) == digest(data)
    assert proxy.memory - before < 40 * MEBI
    for client in clients:
        client.close()


def kernel_keeps():
    """How many bytes the kernel may take for us between a client, the proxy and a server."""
    limits = [pathlib.Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text() for way in "rw"]
    return 2 * sum(int(limit.split()[-1]) for limit in limits)


def test_a_slow_upload_does_not_fill_the_memory(rsp, serve):
    gate = threading.Event()
    size = kernel_keeps() + 60 * MEBI

    def script(connection):
        connection.read_request_head()
        assert gate.wait(20)
        left = size
        while left > 0:
            left -= len(connection.read_exactly(min(left, MEBI)))
        connection.send(response(b"thanks"))

    proxy = rsp(serve(script))
    before = proxy.memory
    with proxy.client() as client:
        client.send(request("POST", "/", f"Content-Length: {size}"))
        client.socket.settimeout(1)
        sent, block = 0, bytes(MEBI)
        try:
            while sent < size:
                sent += client.socket.send(block[: size - sent])
        except TimeoutError:
            pass
        assert sent < size - 30 * MEBI
        assert proxy.memory - before < 20 * MEBI
        gate.set()
        client.socket.settimeout(20)
        while sent < size:
            sent += client.socket.send(block[: size - sent])
        assert client.read_response().body == b"thanks"


# Short writes never harm the content


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("buffering", ["64k", "256k", "4m"])
def test_a_page_is_whole_for_a_client_with_a_tiny_window(rsp, serve, framing, buffering):
    data = noise(2 * MEBI)
    proxy = rsp(serve(sends(data, framing)), buffering=buffering)
    with proxy.client(receive_buffer=1024) as client:
        for _ in range(2):
            client.send(request())
            assert digest(client.read_response().body) == digest(data)


def test_a_page_is_whole_for_many_clients_of_different_speed(rsp, serve):
    data = noise(1_500_001)
    proxy = rsp(serve(sends(data)), workers=2)

    def read(number, results):
        with proxy.client(receive_buffer=1024 << (number % 8)) as client:
            client.send(request())
            head = client.read_head()
            while client._receive() and len(client.received) < len(head) + len(data):
                if number % 3 == 0:
                    time.sleep(0.001)
            results[number] = digest(client.received[len(head) :])

    results = {}
    threads = [threading.Thread(target=read, args=[n, results]) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert list(results.values()) == [digest(data)] * 24


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_is_whole_for_a_server_with_a_tiny_window(rsp, serve, framing):
    data = noise(2 * MEBI)

    def script(connection):
        asked = connection.read_request()
        connection.send(response(digest(asked.body).encode()))

    server = serve(script)
    # Connections inherit it.
    server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    with rsp(server).client(send_buffer=4096) as client:
        if framing == "length":
            client.send(request("POST", "/", body=data))
        else:
            client.send(request("POST", "/", "Transfer-Encoding: chunked"), chunked(data))
        assert client.read_response().body.decode() == digest(data)


def test_a_client_that_does_not_read_is_cut_in_time(rsp, serve):
    server = serve(sends(bytes(50 * MEBI)))
    proxy = rsp(server, write_timeout="500ms")
    before = proxy.descriptors
    with proxy.client(receive_buffer=4096) as client:
        client.send(request())
        server.wait_for_connections(1)
        wait_until(lambda: server.connections[0].ended or server.connections[0].socket.fileno() < 0)
        assert len(client.read_to_cut()) < 50 * MEBI
    proxy.wait_for_descriptors(before, spliced=1)


def test_a_server_that_does_not_read_is_given_up_in_time(rsp, serve):
    gone = threading.Event()

    def script(connection):
        connection.read_request_head()
        assert gone.wait(20)

    proxy = rsp(serve(script), write_timeout="500ms")
    with proxy.client() as client:
        client.send(request("POST", "/", f"Content-Length: {60 * MEBI}"))
        # It is cut in the middle, or answered and cut; never is all of it taken.
        assert not client.send_as_far_as_possible(bytes(60 * MEBI))
        answer = client.read_to_cut()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 504 ")
    gone.set()


def test_a_client_that_reads_slowly_but_steadily_is_not_cut(rsp, serve):
    data = noise(3 * MEBI)
    proxy = rsp(serve(sends(data)), write_timeout="500ms")
    with proxy.client(receive_buffer=65536) as client:
        client.send(request())
        head = client.read_head()
        began = time.monotonic()
        while len(client.received) < len(head) + len(data):
            assert client._receive(), "it was cut"
            if time.monotonic() - began < 2:
                time.sleep(0.05)
        assert digest(client.received[len(head) :]) == digest(data)


@pytest.mark.parametrize("reads", [True, False])
def test_small_responses_that_find_no_room_are_whole_or_cut_in_time(rsp, serve, reads):
    """A client asks for one small page after the other and does not read, until one finds no room."""

    def script(connection):
        while (asked := connection.read_request()) is not None:
            connection.send(response(asked.target.ljust(1500, b".")))

    server = serve(script)
    proxy = rsp(server, write_timeout="20s" if reads else "500ms")
    before = proxy.descriptors
    with proxy.client(receive_buffer=4096) as client:
        asked = 0
        while asked < 20_000:
            client.send(request("GET", f"/{asked}"))
            asked += 1
            try:
                wait_until(lambda: len(server.requests) >= asked, "a request", seconds=0.5)
            except AssertionError:
                break  # the response before it waits for room
        assert 10 < len(server.requests) < 20_000
        if not reads:
            proxy.wait_for_descriptors(before + 1)
            return
        for number in range(asked):
            assert client.read_response().body == (b"/%d" % number).ljust(1500, b".")
    # The server's connection is kept.
    proxy.wait_for_descriptors(before + 1)


# Clients that vanish


def vanish(client, how):
    client.reset() if how == "reset" else client.close()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_vanishes_while_the_server_thinks_costs_nothing(rsp, serve, how):
    def script(connection):
        connection.read_request()
        connection.read_to_cut()

    server = serve(script)
    proxy = rsp(server)
    before = proxy.descriptors
    clients = [proxy.client() for _ in range(10)]
    for client in clients:
        client.send(request())
    server.wait_for_requests(10)
    for client in clients:
        vanish(client, how)
    wait_until(lambda: all(c.ended for c in server.connections), "the server connections to end")
    proxy.wait_for_descriptors(before)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_that_vanishes_in_its_response_costs_nothing(rsp, serve, framing, how):
    server = serve(sends(bytes(30 * MEBI), framing))
    proxy = rsp(server)
    before = proxy.descriptors
    # Seven rounds, so that one lost descriptor a client would be more than the pooled pipes.
    for _ in range(7):
        clients = [proxy.client(receive_buffer=4096) for _ in range(3)]
        for client in clients:
            client.send(request())
        for client in clients:
            client.read_head()
            vanish(client, how)
        wait_until(
            lambda: all(c.ended or c.socket.fileno() < 0 for c in server.connections),
            "the server connections to end",
        )
    proxy.wait_for_descriptors(before, spliced=3)
    assert proxy.is_running


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_vanishes_in_its_upload_costs_nothing(rsp, serve, how):
    server = serve(lambda connection: connection.read_request())
    proxy = rsp(server)
    before = proxy.descriptors
    for number in range(10):
        client = proxy.client()
        client.send(request("POST", "/", "Content-Length: 1000"), b"x" * 500)
        server.wait_for_connections(number + 1)
        vanish(client, how)
    wait_until(lambda: all(c.ended for c in server.connections), "the server connections to end")
    proxy.wait_for_descriptors(before)
    assert server.requests == []


def test_clients_that_connect_and_vanish_cost_nothing(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))))
    before = proxy.descriptors
    for number in range(200):
        client = proxy.client()
        if number % 2:
            client.send(b"GET / HT")
        vanish(client, "reset" if number % 3 else "close")
    proxy.wait_for_descriptors(before)
    assert proxy.exchange(request()).body == b"x"


def test_a_server_that_resets_while_its_client_is_slow_harms_nobody_else(rsp, serve):
    def script(connection):
        asked = connection.read_request()
        if asked.target == b"/whole":
            connection.send(response(b"whole"))
            return
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", bytes(MEBI))
        connection.reset()

    proxy = rsp(serve(script))
    with proxy.client(receive_buffer=4096) as slow:
        slow.send(request("GET", "/cut"))
        slow.read_head()
        assert proxy.exchange(request("GET", "/whole")).body == b"whole"
        assert len(slow.read_to_cut()) < 100_000_000
    assert proxy.exchange(request("GET", "/whole")).body == b"whole"


# The end of a connection whose socket is full


class Line:
    """What the kernel holds of what rsp has written to a client, in bytes."""

    def __init__(self, client):
        self.near, self.far = client.socket.getsockname()[1], client.socket.getpeername()[1]

    def held(self):
        count = 0
        with open("/proc/net/tcp", encoding="ascii") as table:
            for row in list(table)[1:]:
                fields = row.split()
                ports = tuple(int(end.split(":")[1], 16) for end in fields[1:3])
                sent, received = (int(size, 16) for size in fields[4].split(":"))
                if ports == (self.far, self.near):
                    count += sent
                elif ports == (self.near, self.far):
                    count += received
        return count

    def wait_until_still(self):
        looks = []

        def is_still():
            looks.append(self.held())
            return len(looks) > 4 and len(set(looks[-5:])) == 1 and looks[-1] > 0

        wait_until(is_still, "the last byte that the kernel takes")
        return looks[-1]


def test_a_small_last_answer_behind_a_large_one_is_whole_however_full_the_socket_is(rsp, serve):
    """The large answer ends a little before the kernel takes no more, so that of the small one only a
    part, or nothing, has room when the connection is to be closed."""
    small = noise(1500)

    def script(connection):
        while (asked := connection.read_request()) is not None:
            size = int(asked.target[1:])
            connection.send(response(small if size == 0 else bytes(size)))

    proxy = rsp(serve(script))
    with proxy.client(receive_buffer=4096) as client:
        client.send(request("GET", f"/{64 * MEBI}"))
        room = Line(client).wait_until_still()
    for lack in range(100, 2100, 200):
        with proxy.client(receive_buffer=4096) as client:
            client.send(request("GET", f"/{room - lack}"))
            client.send(request("GET", "/0", "Connection: close"))
            Line(client).wait_until_still()
            assert len(client.read_response().body) == room - lack
            assert client.read_response().body == small
            assert client.wait_closed() == "eof"
