"""Which server of several gets a request, as seen from outside. What the algorithms do in theory is
tested where they are (Tests/BalancingTests)."""

import collections

import pytest

from harness.messages import request
from harness.ports import free_port
from harness.waiting import wait_until


def upstream(servers, **options):
    """rsp(text=...) arguments: one worker, these servers (an address, or Lua), these options."""
    port = free_port()
    list_ = ", ".join(server if server.startswith("{") else f'"{server}"' for server in servers)
    options = "".join(f", {name} = {value}" for name, value in options.items())
    text = f"""
        workers(1)
        listen "127.0.0.1:{port}"
        upstream "app" {{ {list_}{options} }}
        site "*" {{ ["/"] = proxy "app" }}
    """
    return {"text": text, "port": port}


def names(proxy, count, *lines):
    """How often each server answered `count` requests, by its name."""
    with proxy.client() as client:
        return collections.Counter(
            client.exchange(request("GET", "/", *lines)).body.decode().strip()
            for _ in range(count)
        )


def test_round_robin_spreads_exactly_by_weight(rsp, backends):
    a, b, c = backends("a", "b", "c")
    servers = [a.address, f'{{ "{b.address}", weight = 3 }}', c.address]
    proxy = rsp(**upstream(servers, balance='"round_robin"'))
    assert names(proxy, 50) == {"a": 10, "b": 30, "c": 10}


@pytest.mark.parametrize(
    "algorithm", ["p2c", "random", "least_connections", "least_latency", "hash", "sticky"]
)
def test_every_way_of_choosing_reaches_a_server(rsp, backends, algorithm):
    servers = backends("a", "b", "c")
    proxy = rsp(**upstream([s.address for s in servers], balance=f'"{algorithm}"'))
    seen = names(proxy, 60)
    assert seen.total() == 60
    assert seen.keys() <= {"a", "b", "c"}


@pytest.mark.parametrize("algorithm", ["p2c", "least_connections"])
def test_a_busy_server_gets_less(rsp, backends, algorithm):
    a, b = backends("a", "b")
    proxy = rsp(**upstream([a.address, b.address], balance=f'"{algorithm}"'))
    with proxy.client() as client:
        client.send(request("GET", "/after/60"))
        wait_until(lambda: a.requests or b.requests, "the request that stays")
        idle = "b" if a.requests else "a"
        assert names(proxy, 20) == {idle: 20}


def test_a_backup_serves_only_while_the_others_are_out(rsp, backends):
    a, b = backends("a", "b")
    servers = [a.address, f'{{ "{b.address}", backup = true }}']
    proxy = rsp(**upstream(servers, eject_time='"200ms"'))
    assert names(proxy, 20) == {"a": 20}
    a.kill()
    assert names(proxy, 20) == {"b": 20}
    a.start()
    wait_until(lambda: names(proxy, 1) == {"a": 1}, "the server to be asked again")
    assert names(proxy, 20) == {"a": 20}


def test_the_same_key_goes_to_the_same_server(rsp, backends):
    servers = backends("a", "b", "c")
    text = upstream([s.address for s in servers], balance='"hash"', hash='"$http_x_key"')
    proxy = rsp(**text)
    homes = {}
    for key in range(30):
        seen = names(proxy, 3, f"X-Key: {key}")
        assert len(seen) == 1
        homes[key] = next(iter(seen))
    assert set(homes.values()) == {"a", "b", "c"}
    # Who loses its server goes elsewhere; nobody else moves.
    lost = servers[0]
    lost.kill()
    for key, home in homes.items():
        seen = names(proxy, 1, f"X-Key: {key}")
        assert seen == {home: 1} if home != "a" else "a" not in seen


def test_without_a_key_a_client_goes_to_the_same_server(rsp, backends):
    servers = backends("a", "b", "c")
    proxy = rsp(**upstream([s.address for s in servers], balance='"hash"'))
    assert len(names(proxy, 10) + names(proxy, 10)) == 1


def test_the_server_that_is_slow_is_left_alone_by_least_latency(rsp, backends):
    slow, fast = backends("slow", "fast")
    slow.slow(0.3)
    proxy = rsp(**upstream([slow.address, fast.address], balance='"least_latency"'))
    seen = names(proxy, 30)
    assert seen["fast"] >= 28


def test_host_server_names_the_server_that_was_chosen(rsp, backends):
    servers = backends("a", "b")
    arguments = upstream([s.address for s in servers], balance='"round_robin"')
    arguments["text"] = 'defaults { host = "server" }\n' + arguments["text"]
    proxy = rsp(**arguments)
    with proxy.client() as client:
        heads = [client.exchange(request("GET", "/echo")).body for _ in range(2)]
    for server in servers:
        assert any(f"Host: {server.address}\r\n".encode() in head for head in heads)
