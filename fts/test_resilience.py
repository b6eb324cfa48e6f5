"""Servers that die, freeze and come back under load, and WebSockets by the thousand."""

import asyncio
import collections
import http.client
import resource
import threading
import time

from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from harness.ports import free_port
from harness.waiting import wait_until

RISE = 2


def upstream(servers, **more):
    """An upstream of these servers and a site that goes to it."""
    addresses = ", ".join(f'"{server.address}"' for server in servers)
    options = "".join(f", {name} = {value}" for name, value in more.items())
    return f'upstream "app" {{ {addresses}{options} }}\nsite "*" {{ ["/"] = proxy "app" }}\n'


class Load(threading.Thread):
    """Asks again and again on a kept connection; a result is (when it began, status or error)."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.results, self.ends = port, [], threading.Event()

    def run(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.ends.is_set():
            began = time.monotonic()
            try:
                client.request("GET", "/")
                answer = client.getresponse()
                answer.read()
                self.results.append((began, answer.status))
            except (OSError, http.client.HTTPException) as error:
                self.results.append((began, repr(error)))
                client.close()
        client.close()


def test_one_server_killed_and_one_frozen_under_load(rsp, backends):
    killed, frozen, well = servers = backends("killed", "frozen", "well")
    port = free_port()
    check = f'{{ path = "/health", interval = "300ms", timeout = "400ms", rise = {RISE}, fall = 2 }}'
    rsp(
        text='workers(2)\ndefaults { response_timeout = "400ms", connect_timeout = "400ms" }\n'
        f'listen "127.0.0.1:{port}"\n' + upstream(servers, health_check=check),
        port=port,
    )
    loads = [Load(port) for _ in range(6)]
    for load in loads:
        load.start()
    for server in servers:
        wait_until(lambda: len(server.requests) > 20, f"{server.name} to be asked")

    killed.kill()
    frozen.freeze()
    began = time.monotonic()

    def after(second):
        return [
            result for load in loads for when, result in list(load.results) if when > began + second
        ]

    # Whatever was on its way to the frozen server gets 504 when its time is over; from the first
    # second on nobody is sent there, and nobody to the dead one.
    wait_until(lambda: len(after(1)) > 500 and len(after(2)) > 100, "further requests", 30)

    # It takes RISE checks to be in again; one more may be on its way meanwhile.
    known = len(killed.heard)
    killed.start()
    wait_until(lambda: any("/health" not in line for line in killed.heard[known:]), "a request")
    heard = killed.heard[known:]
    assert [line.split()[1] for line in heard].index("/") <= RISE + 1

    known = len(frozen.requests)
    frozen.thaw()
    wait_until(lambda: len(frozen.requests) > known + 20, "the thawed server to be asked")

    for load in loads:
        load.ends.set()
    for load in loads:
        load.join(20)
    assert collections.Counter(after(1)).keys() == {200}


# WebSockets


def test_a_websocket_counts_for_as_long_as_it_stays(rsp, backends, peers):
    servers = backends("a", "b", "c")
    port = free_port()
    text = f'workers(1)\nlisten "127.0.0.1:{port}"\n'
    rsp(text=text + upstream(servers, balance='"least_connections"'), port=port)

    def opened(count):
        sockets = collections.defaultdict(list)
        for _ in range(count):
            websocket = peers.enter_context(connect(f"ws://127.0.0.1:{port}/"))
            sockets[websocket.recv(timeout=10)].append(websocket)
        return sockets

    first = opened(30)
    assert {name: len(sockets) for name, sockets in first.items()} == {"a": 10, "b": 10, "c": 10}
    for websocket in first["b"]:
        websocket.close()
    wait_until(lambda: servers[1].connections == 0, "the closed ones to be gone")
    assert opened(10).keys() == {"b"}


def test_two_thousand_websockets_at_once(rsp, backends):
    count, workers = 2000, 2
    # Each takes two descriptors of rsp, one here, and one of a server.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * count + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    servers = backends("a", "b", "c")
    port = free_port()
    text = f'workers({workers})\nlisten "127.0.0.1:{port}"\n'
    rsp(text=text + upstream(servers, balance='"least_connections"'), port=port)
    seen = collections.Counter()
    turn = asyncio.Semaphore(50)  # that are being opened

    async def talk(number, everybody):
        async with turn:
            websocket = await connect_async(f"ws://127.0.0.1:{port}/", open_timeout=30)
            seen[await websocket.recv()] += 1
        await everybody.wait()
        await websocket.send(f"{number}")
        assert await websocket.recv() == f"{number}"
        await websocket.close()

    async def talk_all():
        everybody = asyncio.Barrier(count)
        async with asyncio.timeout(70), asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(talk(number, everybody))

    asyncio.run(talk_all())
    # Each worker spreads its own.
    assert sum(seen.values()) == count
    assert max(seen.values()) - min(seen.values()) <= workers
