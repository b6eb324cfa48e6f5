"""The command line: the two ways to start, check, help, version, and how mistakes are told."""

import os
import re
import signal
import socket

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.proxy import run
from harness.server import always

STARTED = r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} [+-]\d{4}\] Started\.  Listening on port %d\.$"
FINE = 'listen "127.0.0.1:%d"\nupstream "app" { "127.0.0.1:1" }\nsite "*" { ["/"] = proxy "app" }\n'


def test_a_port_and_a_server_on_the_command_line_are_enough(launch, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    proxy = launch(port, "127.0.0.1", server.port, port=port)
    assert proxy.exchange(request()).body == b"hello"


def test_the_command_line_form_listens_on_ipv4_and_ipv6(launch, serve):
    server, port = serve(always(response(b"hello"))), free_port()
    proxy = launch(port, "127.0.0.1", server.port, port=port)
    with proxy.client(host="::1") as client:
        assert client.exchange(request()).body == b"hello"
    assert server.requests[0].get(b"X-Real-IP") == b"::1"


def test_the_start_is_logged_in_exactly_the_promised_form(launch):
    port = free_port()
    proxy = launch(port, "127.0.0.1", 1, port=port)
    assert re.match(STARTED % port, proxy.logged("Started")[0])


def test_connections_are_accepted_when_the_start_is_logged(launch, serve):
    server = serve(always(response(b"hello")))
    for _ in range(5):
        port = free_port()
        proxy = launch(port, "127.0.0.1", server.port, port=port)
        assert proxy.exchange(request()).status == 200


def test_nothing_but_the_start_is_logged_without_need(rsp, serve):
    proxy = rsp(serve(always(response(b"hello"))))
    with proxy.client() as client:
        for _ in range(3):
            assert client.exchange(request()).status == 200
    assert proxy.stop(signal.SIGTERM) == 0
    assert not [line for line in proxy.log if "example.com" in line or "GET" in line]


def test_a_missing_configuration_is_named_with_the_reason(tmp_path):
    path = tmp_path / "absent.lua"
    result = run(path)
    wanted = f"Error parsing config file: cannot open {path}: No such file or directory"
    assert wanted in result.stdout
    assert result.returncode == 1


def test_a_broken_configuration_is_told_in_the_words_of_lua(tmp_path):
    path = tmp_path / "broken.lua"
    path.write_text('listenPort = "8000"\nbackendPort = = 3\n')
    result = run(path)
    assert re.search(r"Error parsing config file: .*broken\.lua:2: .*near", result.stdout)
    assert result.returncode == 1


def test_check_says_that_a_good_configuration_is_fine(tmp_path):
    path = tmp_path / "fine.lua"
    path.write_text(FINE % free_port())
    result = run("check", path)
    assert result.returncode == 0
    assert result.stdout.strip()


def test_check_listens_nowhere(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = tmp_path / "fine.lua"
        path.write_text(FINE % taken.getsockname()[1])
        assert run("check", path).returncode == 0


@pytest.mark.parametrize("command", [[], ["check"]], ids=["run", "check"])
def test_all_mistakes_are_reported_together(tmp_path, command):
    path = tmp_path / "wrong.lua"
    path.write_text(
        f'listen "{free_port()}"\n'
        'upstream "app" { "127.0.0.1:1", max_idel = 3 }\n'
        'defaults { read_timeout = "soon" }\n'
        'site "*" { ["/"] = proxy "ap" }\n'
    )
    result = run(*command, path)
    assert result.returncode == 1
    assert re.search(r'wrong\.lua:2: .*"app".*"max_idel".*did you mean "max_idle"', result.stdout)
    assert re.search(r"wrong\.lua:3: .*read_timeout", result.stdout)
    assert re.search(r'wrong\.lua:4: .*"ap"', result.stdout)
    assert "Started" not in result.stdout


def test_check_of_a_missing_file_fails(tmp_path):
    result = run("check", tmp_path / "absent.lua")
    assert result.returncode == 1
    assert "No such file or directory" in result.stdout


def test_help_shows_how_to_start():
    result = run("--help")
    assert result.returncode == 0
    assert "usage" in result.stdout.lower() and "check" in result.stdout


def test_version_is_a_number():
    result = run("--version")
    assert result.returncode == 0
    assert re.search(r"\d+\.\d+", result.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ["99999", "127.0.0.1", "8888"],
        ["0x10", "127.0.0.1", "8888"],
        ["8000", "127.0.0.1", "99999"],
        ["8000", "127.0.0.1", "http"],
        ["8000", "127.0.0.1", "-1"],
        ["8000", "127.0.0.1", "8888", "more"],
        ["8000", "127.0.0.1"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_nonsense_on_the_command_line_is_refused(arguments):
    result = run(*arguments)
    assert result.returncode > 0
    assert result.stdout.strip() and "Started" not in result.stdout


def test_a_port_in_use_ends_the_start_with_a_reason(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = tmp_path / "taken.lua"
        path.write_text(FINE % taken.getsockname()[1])
        result = run(path)
    assert result.returncode == 1
    assert "in use" in result.stdout.lower() and "Started" not in result.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any port")
def test_a_forbidden_port_ends_the_start_with_a_reason():
    result = run("1", "127.0.0.1", "8888")
    assert result.returncode == 1
    assert "denied" in result.stdout.lower()
