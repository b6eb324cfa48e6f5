"""The servers of the other tests do what these expect of them."""

import pytest
from websockets.sync.client import connect

from harness.client import RawClient
from harness.messages import request
from harness.waiting import wait_until


def ask(backend, target="/", method="GET", **more):
    with RawClient(backend.port) as client:
        return client.exchange(request(method, target, **more), method)


def test_servers_answer_with_their_names(backends):
    a, b = backends("a", "b")
    assert (ask(a).body, ask(b).body) == (b"a\n", b"b\n")
    assert ask(a, "/upload", "POST", body=b"x" * 100_000).body == b"a\n"
    assert ask(a, "/status/503").status == 503
    assert ask(a, "/echo").body.startswith(b"GET /echo HTTP/1.1\r\nHost: example.com")
    with RawClient(a.port) as client:
        client.send(request("GET", "/", "Connection: close"))
        assert client.read_to_end().endswith(b"a\n")
    wait_until(lambda: len(a.requests) == 5, "its requests to be told")
    assert b.requests == ["GET / HTTP/1.1"]


def test_a_killed_server_refuses_and_comes_back_on_its_port(backends):
    (a,) = backends("a")
    a.kill()
    with pytest.raises(ConnectionRefusedError):
        ask(a)
    a.start()
    assert ask(a).body == b"a\n"


def test_a_frozen_server_answers_when_it_is_thawed(backends):
    (a,) = backends("a")
    a.freeze()
    with RawClient(a.port) as client:
        client.send(request())
        assert client.is_silent_for(0.2)
        a.thaw()
        assert client.read_response().body == b"a\n"


def test_a_server_is_slowed_and_its_health_set(backends):
    (a,) = backends("a")
    a.slow(60)
    with RawClient(a.port) as client:
        client.send(request())
        assert client.is_silent_for(0.2)
        a.set_health(500)
        assert ask(a, "/health").status == 500
    wait_until(lambda: a.checks == 1, "the check to be told")


def test_a_server_greets_websockets_and_echoes(backends):
    (a,) = backends("a")
    with connect(f"ws://{a.address}/") as websocket:
        assert websocket.recv(timeout=10) == "a"
        for message in ["hello", b"\0\xff"]:
            websocket.send(message)
            assert websocket.recv(timeout=10) == message
        assert a.connections == 1
    wait_until(lambda: a.connections == 0, "the connection to go")
