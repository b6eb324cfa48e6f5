"""Plain TCP services: bytes both ways, whoever speaks first, with all that upstreams can do."""

import threading

import pytest

from harness.client import RawClient
from harness.messages import request
from harness.ports import free_port, refusing_port
from harness.waiting import wait_until


def text(port, *servers, listener="", upstream=""):
    listed = ", ".join(f'"{getattr(server, "address", server)}"' for server in servers)
    return f"""
workers(1)
listen {{ "127.0.0.1:{port}", tcp = "service", {listener} }}
upstream "service" {{ {listed}, {upstream} }}
"""


@pytest.fixture
def service(rsp):
    def start(*servers, **options):
        port = free_port()
        return rsp(text=text(port, *servers, **options), port=port)

    return start


def echo(connection):
    while connection._receive():
        connection.send(connection._take(len(connection.unread)))


def named(name):
    """A server that says its name and then echoes."""

    def script(connection):
        connection.send(name)
        echo(connection)

    return script


def test_a_server_may_speak_first(service, serve):
    proxy = service(serve(named(b"220 ready\r\n")))
    with RawClient(proxy.port) as client:
        assert client.read_exactly(11) == b"220 ready\r\n"
        client.send(b"EHLO\r\n")
        assert client.read_exactly(6) == b"EHLO\r\n"


def test_a_client_may_speak_first(service, serve):
    proxy = service(serve(echo))
    with RawClient(proxy.port) as client:
        for word in (b"a", b"bc", b"\0\xff"):
            client.send(word)
            assert client.read_exactly(len(word)) == word


def in_flight(proxy):
    servers = proxy.ask({"command": "status"})["upstreams"][0]["servers"]
    return sum(server["in_flight"] for server in servers)


def test_nothing_is_understood(service, serve):
    proxy = service(serve(echo))
    for words in (request("GET", "/"), b"PROXY UNKNOWN\r\n", b"\x16\x03\x01\x00\x05"):
        with RawClient(proxy.port) as client:
            client.send(words)
            client.half_close()
            assert client.read_to_end() == words


def test_a_broken_connection_breaks_the_other(service, serve):
    server = serve(lambda connection: connection.read_to_cut())
    proxy = service(server)
    with RawClient(proxy.port) as client:
        client.send(b"x")
        connection = server.wait_for_connections(1)
        wait_until(lambda: connection.received == b"x", "the byte")
        client.reset()
    wait_until(lambda: connection.ended, "the end at the server")


def test_a_client_stays_with_its_server_by_hash(service, serve):
    servers = [serve(named(str(number).encode())) for number in range(4)]
    proxy = service(*servers, upstream='balance = "hash"')
    names = set()
    for _ in range(8):
        with RawClient(proxy.port) as client:
            names.add(client.read_exactly(1))
        wait_until(lambda: not in_flight(proxy), "the connection to be over")
    assert len(names) == 1


def test_servers_take_turns(service, serve):
    servers = [serve(named(str(number).encode())) for number in range(3)]
    proxy = service(*servers, upstream='balance = "round_robin"')
    names = []
    for _ in range(6):
        with RawClient(proxy.port) as client:
            names.append(client.read_exactly(1))
    assert sorted(names) == [b"0", b"0", b"1", b"1", b"2", b"2"]


def test_a_server_that_refuses_is_passed_over(service, serve):
    with refusing_port() as port:
        server = serve(named(b"x"))
        proxy = service(f"127.0.0.1:{port}", server, upstream='balance = "round_robin"')
        for _ in range(6):
            with RawClient(proxy.port) as client:
                assert client.read_exactly(1) == b"x"


def test_a_server_that_breaks_connections_is_put_out(service, serve):
    bad = serve(lambda connection: connection.reset())
    good = serve(named(b"x"))
    proxy = service(bad, good, upstream='balance = "round_robin"')

    def is_out():
        with RawClient(proxy.port) as client:
            client._receive()
        servers = proxy.ask({"command": "status"})["upstreams"][0]["servers"]
        return servers[0]["state"] == "ejected"

    wait_until(is_out, "the bad server to be out")
    for _ in range(4):
        with RawClient(proxy.port) as client:
            assert client.read_exactly(1) == b"x"


def test_checks_by_tcp_put_servers_out_and_in(service, serve, backends):
    [backend] = backends("a")
    check = 'health_check = { type = "tcp", interval = "100ms", rise = 1, fall = 1 }'
    proxy = service(backend, upstream=check)

    def state():
        return proxy.ask({"command": "status"})["upstreams"][0]["servers"][0]["state"]

    wait_until(lambda: state() == "up", "the server to be up")
    backend.kill()
    wait_until(lambda: state() == "failing", "the server to be out")
    backend.start()
    wait_until(lambda: state() == "up", "the server to be back")
    with RawClient(proxy.port) as client:
        assert b"a" in client.exchange(request("GET", "/")).raw


def test_a_full_server_is_waited_for(service, serve):
    gate = threading.Event()

    def script(connection):
        connection.send(b"x")
        gate.wait(20)

    server = serve(script)
    proxy = service(server, upstream="max_connections = 1")
    with RawClient(proxy.port) as one, RawClient(proxy.port) as two:
        assert one.read_exactly(1) == b"x"
        wait_until(
            lambda: proxy.ask({"command": "status"})["upstreams"][0]["queued"] == 1,
            "one to wait",
        )
        # A client that has nothing more to say is not one that has gone.
        two.half_close()
        gate.set()
        one.read_to_end()
        one.close()
        assert two.read_exactly(1) == b"x"


def test_a_reload_without_the_service_ends_it(rsp, serve):
    server = serve(named(b"x"))
    port = free_port()
    proxy = rsp(text=text(port, server), port=port)
    with RawClient(port) as client:
        assert client.read_exactly(1) == b"x"
        # The same service again leaves it alone.
        proxy.reload()
        client.send(b"y")
        assert client.read_exactly(1) == b"y"
        proxy.file.write_text(
            f'defaults {{ drain_timeout = "100ms" }}\nworkers(1)\nlisten "127.0.0.1:{free_port()}"\n'
            f'site "*" {{ ["/"] = proxy "{server.address}" }}\n'
        )
        proxy.reload()
        client.wait_closed()


def test_bulk_goes_both_ways(service, serve):
    data = bytes(range(256)) * 60_000
    proxy = service(serve(echo))
    with RawClient(proxy.port) as client:
        writer = threading.Thread(target=lambda: (client.send(data), client.half_close()))
        writer.start()
        assert client.read_to_end() == data
        writer.join()


def test_short_connections_leave_nothing_behind(service, serve):
    proxy = service(serve(echo))

    def exchange():
        with RawClient(proxy.port) as client:
            client.send(b"x")
            assert client.read_exactly(1) == b"x"

    exchange()
    before = proxy.descriptors
    for _ in range(300):
        exchange()
    wait_until(lambda: proxy.descriptors <= before, "descriptors to be closed")
