"""The original's own test: many requests, a hundred at a time, no error, flat memory.

RSP_SOAK=1000000 runs the full million; without it a shortened one.
"""

import asyncio
import os

import pytest

from harness.messages import request

REQUESTS = int(os.environ.get("RSP_SOAK", "20000"))
AT_A_TIME = 100
MEBI = 1 << 20


class Load(asyncio.Protocol):
    """One client: sends a request, expects exactly `wanted` as its body, sends the next."""

    def __init__(self, budget, sent, wanted, reconnect_after):
        self.budget, self.sent, self.wanted = budget, sent, wanted
        self.left_here = reconnect_after
        self.buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.next()

    def next(self):
        if self.budget["left"] == 0 or self.left_here == 0:
            self.done.set_result(None)
            self.transport.close()
            return
        self.budget["left"] -= 1
        self.left_here -= 1
        self.transport.write(self.sent)

    def data_received(self, data):
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or len(body) < len(self.wanted):
            return
        self.buffer = b""
        if head.startswith(b"HTTP/1.1 200 ") and body == self.wanted:
            self.budget["good"] += 1
            # After keepalive_requests, 10,000 of them, a connection has served its time.
            if b"\r\nConnection: close" in head:
                self.left_here = 0
        else:
            self.budget["bad"].append(head + end + body)
        self.next()

    def connection_lost(self, error):
        if not self.done.done():
            self.budget["bad"].append(f"lost: {error}".encode())
            self.done.set_result(None)


async def load(port, count, sent, wanted, per_connection):
    budget = {"left": count, "good": 0, "bad": []}
    loop = asyncio.get_running_loop()

    async def client():
        while budget["left"] and not budget["bad"]:
            _, protocol = await loop.create_connection(
                lambda: Load(budget, sent, wanted, per_connection), "127.0.0.1", port
            )
            await protocol.done

    await asyncio.gather(*[client() for _ in range(AT_A_TIME)])
    assert budget["bad"][:3] == []
    assert budget["good"] == count


@pytest.mark.slow
@pytest.mark.timeout(30 + REQUESTS // 500)
@pytest.mark.parametrize(
    "per_connection, size", [(-1, 6), (1, 6), (20, 40_000)], ids=["kept", "new", "larger"]
)
def test_a_hundred_clients_at_a_time_meet_no_error_and_memory_stays_flat(
    rsp, nginx, per_connection, size
):
    body = b"hello\n" if size == 6 else bytes(range(256)) * (size // 256)
    (nginx.files / "file").write_bytes(body)
    proxy = rsp(nginx, workers=2, idle_timeout="500ms")
    sent = request("GET", "/file")
    count = REQUESTS if per_connection < 0 else REQUESTS // 4
    asyncio.run(load(proxy.port, count // 4, sent, body, per_connection))
    memory = proxy.memory
    asyncio.run(load(proxy.port, count, sent, body, per_connection))
    # Shown by pytest -rP.
    print(f"memory before {memory:,}, after {count:,} requests {proxy.memory:,} bytes")
    assert proxy.memory - memory < 4 * MEBI
    assert proxy.logged("(?i)error|warn") == []
    # All that is left is what idles: no descriptor of a client, and soon none of a server.
    proxy.wait_for_descriptors(40)
