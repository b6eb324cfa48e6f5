"""What systemd expects of a service: sockets that it opened, and to be told how things are."""

import os
import re
import signal
import socket

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import always

FIRST = 3  # sd_listen_fds(3)


@pytest.fixture
def manager(tmp_path):
    """A socket that is told things, as systemd's is."""
    path = f"/tmp/rsp-notify-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.settimeout(10)
        yield receiver
    os.unlink(path)


def told(manager):
    """The next message, its assignments as a dictionary."""
    return dict(line.split("=", 1) for line in manager.recv(4096).decode().split("\n"))


@pytest.fixture
def service(launch, tmp_path, manager):
    def start(port, server, **options):
        file = tmp_path / "rsp.lua"
        file.write_text(
            f'listen "127.0.0.1:{port}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}\n'
        )
        environment = {"NOTIFY_SOCKET": manager.getsockname()}
        proxy = launch(file, port=port, environment=environment, **options)
        proxy.file = file
        return proxy

    return start


def test_the_manager_is_told_of_start_reload_and_stop(service, serve, manager):
    proxy = service(free_port(), serve(always(response(b"x"))))
    assert told(manager)["READY"] == "1"
    assert proxy.command("reload").returncode == 0
    reloading = told(manager)
    assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
    ready = told(manager)
    assert ready["READY"] == "1" and "1 site" in ready["STATUS"]
    proxy.file.write_text("broken(")
    assert proxy.command("reload").returncode == 1
    assert told(manager)["RELOADING"] == "1"
    assert "failed" in told(manager)["STATUS"]
    assert proxy.stop() == 0
    assert told(manager)["STOPPING"] == "1"


def test_the_manager_is_told_who_took_over(service, serve, manager, peers):
    proxy = service(free_port(), serve(always(response(b"x"))))
    assert told(manager)["READY"] == "1"
    assert proxy.command("upgrade").returncode == 0
    pid = proxy.ask({"command": "status"})["pid"]
    peers.callback(lambda: os.kill(pid, signal.SIGKILL))
    assert proxy.wait_for_exit() == 0
    messages = [told(manager)]
    while "MAINPID" not in messages[-1]:
        messages.append(told(manager))
    assert int(messages[-1]["MAINPID"]) == pid
    assert not any("STOPPING" in message for message in messages)


def test_an_abstract_socket_will_do(launch, serve):
    port, name = free_port(), f"rsp-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name)
        receiver.settimeout(10)
        server = serve(always(response()))
        environment = {"NOTIFY_SOCKET": "@" + name}
        launch(port, "127.0.0.1", server.port, port=port, environment=environment)
        assert b"READY=1" in receiver.recv(4096)


@pytest.fixture
def activated(launch, tmp_path):
    def start(text, listener, port):
        file = tmp_path / "rsp.lua"
        file.write_text(text)
        return launch(file, port=port, listener=listener)

    return start


def test_a_socket_that_the_manager_opened_is_used(activated, serve):
    server = serve(always(response(b"x")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # It is in use: rsp could not have opened it by itself.
        text = f'listen "127.0.0.1:{port}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}'
        proxy = activated(text, listener, port=port)
        assert proxy.exchange(request()).body == b"x"
        proxy.stop()
        # It stays open: who comes now waits for the next start.
        proxy.client().close()


def test_a_client_that_came_before_the_start_is_served(activated, serve):
    server = serve(always(response(b"x")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        early = socket.create_connection(("127.0.0.1", port))
        early.sendall(request())
        text = f'listen "127.0.0.1:{port}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}'
        activated(text, listener, port=port)
        early.settimeout(10)
        assert early.recv(65536).startswith(b"HTTP/1.1 200")
        early.close()


def test_a_port_on_all_interfaces_is_found(activated, serve):
    server = serve(always(response(b"x")))
    with socket.create_server(
        ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True
    ) as listener:
        port = listener.getsockname()[1]
        text = f'listen "{port}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}'
        proxy = activated(text, listener, port=port)
        assert proxy.exchange(request()).body == b"x"


def test_a_unix_socket_is_found(activated, serve):
    server, path = serve(always(response(b"x"))), f"/tmp/rsp-activated-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(16)
        text = f'listen "unix:{path}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}'
        proxy = activated(text, listener, port=path)
        assert proxy.exchange(request()).body == b"x"
    os.unlink(path)


def test_a_socket_that_nobody_asked_for_is_told(activated, serve):
    server, port = serve(always(response(b"x"))), free_port()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = listener.getsockname()[1]
        text = f'listen "127.0.0.1:{port}"\nsite "*" {{ ["/"] = proxy "{server.address}" }}'
        proxy = activated(text, listener, port=port)
        assert proxy.wait_for_log(rf"127\.0\.0\.1:{other}.*no `listen`")


def test_the_unit_files_are_in_order():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    service = open(f"{root}/packaging/rsp.service").read()
    for line in ("Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict"):
        assert line in service
    assert re.search(r"^ExecReload=.*rsp reload", service, re.M)
    assert "ListenStream=" in open(f"{root}/packaging/rsp.socket").read()
