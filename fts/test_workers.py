"""Workers: how many threads serve, and that all of them do."""

import pathlib
import re

import pytest

from harness.messages import request, response
from harness.server import always


def serving_threads(proxy):
    """The threads that have run while clients were served, by their switches of context."""

    def switches():
        found = {}
        for task in pathlib.Path(f"/proc/{proxy.pid}/task").iterdir():
            text = (task / "status").read_text()
            found[task.name] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
        return found

    before = switches()
    for _ in range(200):
        assert proxy.exchange(request()).body == b"x"
    after = switches()
    # Resolver, signals or the main thread may wake up now and then.
    return [task for task in after if after[task] - before.get(task, 0) > 20]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_as_many_threads_serve_as_there_are_workers(rsp, serve, workers):
    proxy = rsp(serve(always(response(b"x"))), workers=workers)
    assert len(serving_threads(proxy)) == workers


def test_each_worker_keeps_server_connections_of_its_own(rsp, serve):
    server = serve(always(response(b"x")))
    proxy = rsp(server, workers=2)
    for _ in range(100):
        assert proxy.exchange(request()).body == b"x"
    assert len(server.connections) == 2


def test_an_idle_proxy_does_nothing(rsp, serve):
    proxy = rsp(serve(always(response(b"x"))), workers=2)
    with proxy.client() as client:
        assert client.exchange(request()).body == b"x"
        before = proxy.cpu_seconds
        assert client.is_silent_for(1.0)
        assert proxy.cpu_seconds - before < 0.1
