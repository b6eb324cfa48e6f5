"""The fixtures of the functional tests. See harness/ for what they are made of."""

import contextlib
import socket

import pytest

from harness.backend import Backend
from harness.config import configuration
from harness.nginx import Nginx
from harness.nginx import path as nginx_path
from harness.ports import free_port
from harness.proxy import Proxy
from harness.server import ScriptedServer


@pytest.fixture
def peers():
    """Ends everything that a test started, last first, and lets each report its failures."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(peers):
    """serve(script) -> a ScriptedServer on a free port (or on the given port or socket path)."""

    def start(script, address=None, family=socket.AF_INET, strict=False):
        server = ScriptedServer(script, address, family, strict)
        peers.callback(server.stop)
        return server

    return start


@pytest.fixture
def backends(peers):
    """backends("a", "b") -> that many Backends, real processes that answer with their names."""

    def start(*names):
        started = []
        for name in names:
            backend = Backend(name)
            peers.callback(backend.stop)
            started.append(backend)
        return started

    return start


@pytest.fixture
def launch(peers):
    """launch(*arguments, port=...) -> a Proxy that has started, from bare arguments."""

    def start(*arguments, port, descriptors=None):
        proxy = Proxy(arguments, port, descriptors)
        peers.callback(proxy.clean_up)
        proxy.wait_for_start()
        return proxy

    return start


@pytest.fixture
def rsp(launch, tmp_path):
    """rsp(server, **options) -> a Proxy in front of it; rsp(text=..., port=...) takes Lua as it is.

    `server` is anything with an `address`, or the address itself. `file` of the Proxy is the path
    of its configuration.
    """
    count = 0

    def start(server=None, *, text=None, port=None, listen=None, descriptors=None, **options):
        nonlocal count
        count += 1
        port = port or free_port()
        if text is None:
            address = getattr(server, "address", server)
            text = configuration(listen or f"127.0.0.1:{port}", address, **options)
        file = tmp_path / f"rsp{count}.lua"
        file.write_text(text)
        proxy = launch(file, port=port, descriptors=descriptors)
        proxy.file = file
        return proxy

    return start


@pytest.fixture
def nginx(tmp_path, peers):
    """nginx with an empty folder of files to serve."""
    if not nginx_path():
        pytest.skip("nginx is not installed")
    server = Nginx(tmp_path / "nginx")
    peers.callback(server.stop)
    return server
