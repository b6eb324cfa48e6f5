"""Servers and listeners by name, by IPv6 address, and by the path of a Unix socket."""

import os
import socket
import tempfile

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import always


@pytest.fixture
def socket_path():
    """Short enough for sun_path wherever pytest keeps its folders."""
    with tempfile.TemporaryDirectory(prefix="rsp-") as folder:
        yield os.path.join(folder, "socket")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def test_all_addresses_of_a_name_are_tried(rsp, serve, family):
    """`localhost` has one address of each family here or there; the server has one of them."""
    addresses = {info[0] for info in socket.getaddrinfo("localhost", 80)}
    if family not in addresses:
        pytest.skip("localhost has no address of this family")
    server = serve(always(response(b"hello")), family=family)
    proxy = rsp(f"localhost:{server.port}")
    for _ in range(3):
        assert proxy.exchange(request()).body == b"hello"


def test_a_server_may_have_an_ipv6_address(rsp, serve):
    server = serve(always(response(b"hello")), family=socket.AF_INET6)
    assert rsp(f"[::1]:{server.port}").exchange(request()).body == b"hello"


def test_a_name_on_the_command_line_is_resolved(launch, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    assert launch(port, "localhost", server.port, port=port).exchange(request()).body == b"hello"


def test_an_unknown_name_does_not_keep_rsp_from_starting(rsp):
    proxy = rsp("no-such-name.invalid:80", connect_timeout="1s", retries=0)
    answer = proxy.exchange(request())
    assert answer.status in (502, 503, 504)
    assert b"no-such-name" not in answer.raw + answer.body


def test_an_unknown_name_does_not_hold_up_other_requests(rsp):
    """Resolving is asynchronous: the only worker answers others in the meantime."""
    port = free_port()
    text = f"""
        workers(1)
        defaults {{ connect_timeout = "2s", retries = 0 }}
        listen "127.0.0.1:{port}"
        upstream "app" {{ "no-such-name.invalid:80" }}
        site "*" {{ ["/"] = proxy "app" }}
    """
    proxy = rsp(text=text, port=port)
    clients = [proxy.client() for _ in range(20)]
    for client in clients:
        client.send(request())
    # A refusal needs no server, so it must come whatever the resolver does.
    assert proxy.exchange(b"GET / HTTP/1.1\r\n\r\n").status == 400
    for client in clients:
        assert client.read_response().status in (502, 503, 504)
        client.close()


def test_a_server_may_be_a_unix_socket(rsp, serve, socket_path):
    server = serve(always(response(b"hello")), address=socket_path)
    proxy = rsp(server)
    for _ in range(3):
        assert proxy.exchange(request("POST", "/", body=b"x" * 100_000)).body == b"hello"
    assert len(server.connections) == 1
    assert server.requests[0].get(b"Host") == b"example.com"


def test_a_missing_unix_socket_gives_502(rsp, socket_path):
    answer = rsp(f"unix:{socket_path}").exchange(request())
    assert answer.status == 502
    assert socket_path.encode() not in answer.raw + answer.body


def test_a_listener_may_be_a_unix_socket(rsp, serve, socket_path):
    server = serve(always(response(b"hello")))
    proxy = rsp(server, listen=f"unix:{socket_path}", port=socket_path)
    assert proxy.exchange(request()).body == b"hello"


def test_a_unix_socket_may_serve_several_workers(rsp, serve, socket_path):
    server = serve(always(response(b"hello")))
    proxy = rsp(server, listen=f"unix:{socket_path}", port=socket_path, workers=2)
    for _ in range(20):
        assert proxy.exchange(request()).body == b"hello"


def test_the_socket_left_by_a_process_that_died_is_taken_over(rsp, serve, socket_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(socket_path)
    server = serve(always(response(b"hello")))
    proxy = rsp(server, listen=f"unix:{socket_path}", port=socket_path)
    assert proxy.exchange(request()).body == b"hello"
