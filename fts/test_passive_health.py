"""Servers that die while requests come: what clients see, what is tried again, who is put out."""

import collections
import re
import threading
import time

import pytest

from harness.messages import request, response
from harness.ports import free_port, refusing_port, silent_port
from harness.server import always
from harness.waiting import wait_until
from test_balancing import names, upstream


def test_a_request_that_cannot_connect_goes_to_another_server(rsp, backends):
    (a,) = backends("a")
    with refusing_port() as port:
        proxy = rsp(**upstream([f"127.0.0.1:{port}", a.address]))
        with proxy.client() as client:
            for method in ["GET", "POST"] * 5:
                assert client.exchange(request(method, "/")).body == b"a\n"


def test_two_dead_servers_are_as_many_retries_as_are_allowed(rsp, backends):
    (a,) = backends("a")
    with refusing_port() as one, refusing_port() as other:
        servers = [f"127.0.0.1:{one}", f"127.0.0.1:{other}", a.address]
        proxy = rsp(**upstream(servers, balance='"round_robin"'))
        assert names(proxy, 10) == {"a": 10}


def test_no_retry_where_none_is_allowed(rsp, backends):
    (a,) = backends("a")
    with refusing_port() as port:
        arguments = upstream(
            [f"127.0.0.1:{port}", a.address], balance='"round_robin"', max_failures=0
        )
        arguments["text"] = "defaults { retries = 0 }\n" + arguments["text"]
        proxy = rsp(**arguments)
        with proxy.client() as client:
            statuses = collections.Counter(client.exchange(request()).status for _ in range(10))
        assert statuses == {200: 5, 502: 5}


def test_a_dead_server_is_put_out_and_logged(rsp, backends):
    (a,) = backends("a")
    with refusing_port() as port:
        proxy = rsp(**upstream([f"127.0.0.1:{port}", a.address], balance='"round_robin"'))
        assert names(proxy, 20) == {"a": 20}
        line = f'upstream "app": server 127.0.0.1:{port} is out for 10 s: 3 failures in a row'
        proxy.wait_for_log(re.escape(line))


def test_one_of_three_killed_and_brought_back(rsp, backends):
    servers = backends("a", "b", "c")
    proxy = rsp(**upstream([s.address for s in servers], eject_time='"300ms"'))
    assert names(proxy, 60).keys() == {"a", "b", "c"}
    servers[1].kill()
    for _ in range(10):
        assert names(proxy, 30).keys() == {"a", "c"}
    servers[1].start()
    wait_until(lambda: "b" in names(proxy, 20), "the server to be asked again")


def test_when_all_are_out_all_are_tried(rsp, serve):
    one, other = free_port(), free_port()
    proxy = rsp(**upstream([f"127.0.0.1:{one}", f"127.0.0.1:{other}"], eject_time='"1h"'))
    for _ in range(8):
        assert proxy.exchange(request()).status == 502
    serve(always(response(b"back")), address=other)
    # The one that answers is in again at once.
    wait_until(lambda: proxy.exchange(request()).body == b"back", "an answer")
    for _ in range(5):
        assert proxy.exchange(request()).body == b"back"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_timeout_is_never_tried_again(rsp, serve, backends, method):
    def script(connection):
        connection.read_request()
        connection.wait_closed()

    silent = serve(script)
    (a,) = backends("a")
    arguments = upstream([silent.address, a.address], balance='"round_robin"')
    arguments["text"] = 'defaults { response_timeout = "200ms" }\n' + arguments["text"]
    proxy = rsp(**arguments)
    with proxy.client() as client, proxy.client() as second:
        statuses = [c.exchange(request(method, "/")).status for c in (client, second)]
    assert sorted(statuses) == [200, 504]
    assert len(silent.requests) == 1


def test_a_5xx_is_passed_on_and_puts_nobody_out(rsp, backends):
    servers = backends("a", "b")
    proxy = rsp(**upstream([s.address for s in servers], balance='"round_robin"'))
    for _ in range(20):
        assert proxy.exchange(request("GET", "/status/503")).status == 503
    assert names(proxy, 10) == {"a": 5, "b": 5}


def test_a_circuit_breaker_opens_on_errors(rsp, serve, backends):
    (a,) = backends("a")
    ill = serve(always(response(status="500 Ill")))
    breaker = "{ errors = 50, requests = 10 }"
    servers = [ill.address, a.address]
    proxy = rsp(**upstream(servers, balance='"round_robin"', circuit_breaker=breaker))
    with proxy.client() as client:
        statuses = [client.exchange(request()).status for _ in range(100)]
    assert statuses[50:] == [200] * 50
    assert statuses.count(500) == 10


def test_a_connect_that_times_out_goes_elsewhere(rsp, backends):
    (a,) = backends("a")
    with silent_port() as port:
        arguments = upstream([f"127.0.0.1:{port}", a.address], balance='"round_robin"')
        arguments["text"] = 'defaults { connect_timeout = "100ms" }\n' + arguments["text"]
        assert names(rsp(**arguments), 6) == {"a": 6}


def test_a_dead_upstream_sees_few_retries(rsp, serve):
    """Behaviour 41: 1.2 times the requests that came, and where those are few, three a second."""
    seen = 0
    lock = threading.Lock()

    def script(connection):
        nonlocal seen
        if connection.read_request() is not None:
            with lock:
                seen += 1
            connection.reset()

    servers = [serve(script).address for _ in range(3)]
    proxy = rsp(**upstream(servers, max_failures=0))
    began = time.monotonic()
    with proxy.client() as client:
        for _ in range(100):
            assert client.exchange(request()).status == 502
    assert 100 < seen <= 120 + 3 * (2 + time.monotonic() - began)
