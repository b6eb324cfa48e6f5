"""The control socket and the commands that use it."""

import json
import os
import re
import signal
import socket
import stat
import subprocess

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.proxy import Proxy, binary, run
from harness.server import always
from harness.waiting import wait_until

UPSTREAM = """
workers(2)
listen "127.0.0.1:%d"
upstream "app" { %s, balance = "round_robin" }
site "example.com" { ["/"] = proxy "app", ["= /own"] = respond(200, "own") }
"""


@pytest.fixture
def pair(rsp, serve):
    """rsp before two servers that answer with `a` and `b`."""
    servers = [serve(always(response(word))) for word in (b"a", b"b")]
    port = free_port()
    addresses = ", ".join(f'"{server.address}"' for server in servers)
    return rsp(text=UPSTREAM % (port, addresses), port=port), servers


def answers(proxy, count=8):
    return {proxy.exchange(request()).body for _ in range(count)}


def test_only_the_owner_may_connect(rsp, serve):
    old = os.umask(0)
    try:
        proxy = rsp(serve(always(response())))
    finally:
        os.umask(old)
    status = os.stat(proxy.control)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600


def test_the_socket_goes_with_the_process(rsp, serve):
    proxy = rsp(serve(always(response())))
    assert os.path.exists(proxy.control)
    assert proxy.stop() == 0
    assert not os.path.exists(proxy.control)


def test_a_socket_that_was_left_behind_is_replaced(rsp, serve):
    first = rsp(serve(always(response())))
    first.kill()
    assert os.path.exists(first.control)
    second = rsp(serve(always(response())))
    port = free_port()
    file = second.file.with_name("again.lua")
    file.write_text(second.file.read_text().replace(str(second.port), str(port)))
    third = Proxy([file, "--control", first.control], port)
    try:
        third.wait_for_start()
        third.control = first.control
        assert third.ask({"command": "status"})["pid"] == third.pid
    finally:
        third.clean_up()


def test_a_second_process_goes_on_without_the_socket(rsp, serve):
    first = rsp(serve(always(response(b"1"))))
    port = free_port()
    file = first.file.with_name("second.lua")
    file.write_text(first.file.read_text().replace(str(first.port), str(port)))
    second = Proxy([file, "--control", first.control], port)
    try:
        second.wait_for_start()
        assert second.wait_for_log("no control socket")
        assert second.exchange(request()).body == b"1"
        assert second.stop() == 0
    finally:
        second.clean_up()
    assert first.ask({"command": "status"})["pid"] == first.pid


def test_without_a_path_there_is_no_socket(launch, serve):
    port = free_port()
    proxy = launch(port, "127.0.0.1", serve(always(response())).port, "--control", "", port=port)
    assert not os.path.exists(proxy.control)
    assert proxy.exchange(request()).status == 200


def test_status_is_a_table(pair):
    proxy, servers = pair
    assert answers(proxy) == {b"a", b"b"}
    result = proxy.command("status")
    assert result.returncode == 0
    assert str(proxy.pid) in result.stdout and f"127.0.0.1:{proxy.port}" in result.stdout
    for server in servers:
        assert re.search(rf"^app +{re.escape(server.address)} +up +1 +0 ", result.stdout, re.M)


def test_status_as_json_has_the_counts(pair):
    proxy, servers = pair
    answers(proxy, 8)
    status = json.loads(proxy.command("status", "--json").stdout)
    assert status["ok"] and status["pid"] == proxy.pid and status["site_count"] == 1
    (upstream,) = status["upstreams"]
    assert upstream["name"] == "app" and upstream["balance"] == "round_robin"
    assert sum(server["requests"] for server in upstream["servers"]) == 8
    assert [server["address"] for server in upstream["servers"]] == [s.address for s in servers]


def sites(proxy):
    return json.loads(proxy.command("status", "--json").stdout)["sites"]


def test_status_has_a_line_for_a_site_with_its_counts_and_how_its_servers_are(pair):
    proxy, servers = pair
    answers(proxy, 8)
    proxy.command("down", "app", servers[0].address)
    (site,) = sites(proxy)
    assert site == {
        "name": "example.com",
        "names": 1,
        "routes": 2,
        "state": "degraded",
        "upstreams": ["app"],
        "requests": 8,
        "failures": 0,
    }
    proxy.command("down", "app", servers[1].address)
    assert proxy.exchange(request()).status == 503
    table = proxy.command("status").stdout
    assert re.search(r"^example\.com +down +app +2 +9 +1$", table, re.M)


def own_sites(names):
    return 'listen "127.0.0.1:%d"\n' + "".join(
        f'site "{name}" {{ ["/"] = respond(200, "ok") }}\n' for name in names
    )


def ask(proxy, host):
    assert proxy.exchange(request(host=host)).status == 200


def test_status_lists_the_twenty_sites_that_are_asked_most_or_all(rsp):
    port = free_port()
    proxy = rsp(text=own_sites(f"s{i}.example" for i in range(1, 26)) % port, port=port)
    ask(proxy, "s23.example")
    text = proxy.command("status").stdout
    assert re.search(r"^s23.example +up +- +1 +1 +0\ns1.example +up", text, re.M)
    assert "... and 5 more" in text and "s20.example" not in text
    everything = proxy.command("status", "--all-sites").stdout
    assert all(re.search(rf"^s{i}.example ", everything, re.M) for i in range(1, 26))
    assert "more" not in everything


def test_sites_go_on_counting_over_a_reload(rsp):
    port = free_port()
    proxy = rsp(text=own_sites(["a.example", "b.example"]) % port, port=port)
    for host in ("a.example", "a.example", "b.example"):
        ask(proxy, host)
    proxy.file.write_text(own_sites(["a.example"]) % port)
    proxy.reload()
    ask(proxy, "a.example")
    assert [(site["name"], site["requests"]) for site in sites(proxy)] == [("a.example", 3)]


def test_status_shows_a_server_whose_name_is_not_known_yet(rsp):
    port = free_port()
    proxy = rsp(
        text=f"""
        listen "127.0.0.1:{port}"
        upstream "app" {{ "nowhere.invalid:80" }}
        site "*" {{ ["/"] = proxy "app" }}
        """,
        port=port,
    )
    (upstream,) = json.loads(proxy.command("status", "--json").stdout)["upstreams"]
    assert upstream["state"] == "down"
    names = [(server["name"], server["state"]) for server in upstream["servers"]]
    assert names == [("nowhere.invalid:80", "unresolved")]
    assert re.search(r"^app +nowhere.invalid:80 +unresolved", proxy.command("status").stdout, re.M)


@pytest.mark.parametrize("wish, state", [("drain", "draining"), ("down", "down")])
def test_a_server_is_taken_out_and_in_again(pair, wish, state):
    proxy, (first, _) = pair
    result = proxy.command(wish, "app", first.address)
    assert result.returncode == 0 and state in result.stdout
    assert answers(proxy) == {b"b"}
    assert state in proxy.command("status").stdout
    # It stays so over a reload.
    proxy.reload()
    assert answers(proxy) == {b"b"}
    assert proxy.command("up", "app", first.address).returncode == 0
    assert answers(proxy, 16) == {b"a", b"b"}


@pytest.mark.parametrize(
    "upstream, server, reason",
    [("nobody", "127.0.0.1:1", "no upstream"), ("app", "127.0.0.1:1", "no server")],
)
def test_a_server_that_is_not_there_is_told(pair, upstream, server, reason):
    proxy, _ = pair
    result = proxy.command("down", upstream, server)
    assert result.returncode == 1 and reason in result.stdout


@pytest.mark.parametrize("how", ["running", "file"])
def test_explain_names_route_and_servers(pair, how):
    proxy, servers = pair
    if how == "running":
        proxy.command("down", "app", servers[0].address)
        result = proxy.command("explain", "http://example.com/some/where")
        assert "down" in result.stdout
    else:
        result = run("explain", "--config", proxy.file, "http://example.com/some/where")
    assert result.returncode == 0
    for word in ("example.com", "app", servers[1].address, "choice"):
        assert word in result.stdout


def test_explain_tells_what_is_answered_without_a_server(pair):
    proxy, _ = pair
    assert "200" in proxy.command("explain", "example.com/own").stdout
    assert "404" in proxy.command("explain", "http://elsewhere.example/").stdout


def explained(rsp, servers, options, *arguments):
    port = free_port()
    addresses = ", ".join(f'"{server.address}"' for server in servers)
    proxy = rsp(text=EXPLAINED % (port, addresses, options), port=port)
    return proxy, lambda *more: choice(proxy.command("explain", "example.com/", *more))


EXPLAINED = """
workers(1)
listen "127.0.0.1:%d"
upstream "app" { %s, %s }
site "example.com" { ["/"] = proxy "app" }
"""


def choice(result):
    assert result.returncode == 0, result.stdout
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("choice")]
    return line.removeprefix("choice").strip()


def test_explain_names_the_server_whose_turn_it_is_and_takes_no_turn(rsp, serve):
    servers = [serve(always(response(word))) for word in (b"a", b"b")]
    proxy, ask = explained(rsp, servers, 'balance = "round_robin"')
    for _ in range(3):
        words = ask()
        assert ask() == words and "round_robin" in words
        body = proxy.exchange(request()).body
        assert words.startswith(servers[b"ab".index(body)].address + " ")


@pytest.mark.parametrize("balance", ["p2c", "random"])
def test_explain_says_where_chance_decides(rsp, serve, balance):
    servers = [serve(always(response(word))) for word in (b"a", b"b")]
    _, ask = explained(rsp, servers, f'balance = "{balance}"')
    words = ask()
    assert any(words.startswith(s.address) for s in servers) and "this is one draw" in words


def test_explain_names_the_server_of_a_hash(rsp, serve):
    servers = [serve(always(response(word))) for word in (b"a", b"b", b"c")]
    proxy, ask = explained(rsp, servers, 'balance = "hash", hash = "$http_x_key $arg_a $uri"')
    chosen = set()
    for number in range(12):
        body = proxy.exchange(request("GET", "/", f"X-Key: {number}")).body
        words = ask("--header", f"X-Key: {number}")
        assert words.startswith(servers[b"abc".index(body)].address + " ") and f"{number}" in words
        chosen.add(body)
    assert len(chosen) > 1


def test_explain_needs_the_client_where_its_address_is_hashed(rsp, serve):
    servers = [serve(always(response(word))) for word in (b"a", b"b", b"c")]
    proxy, ask = explained(rsp, servers, 'balance = "hash"')
    assert ask().startswith("one of ") and "--client" in ask()
    body = proxy.exchange(request()).body
    assert ask("--client", "127.0.0.1").startswith(servers[b"abc".index(body)].address + " ")


def test_explain_follows_a_sticky_cookie(rsp, serve):
    servers = [serve(always(response(word))) for word in (b"a", b"b", b"c")]
    proxy, ask = explained(rsp, servers, "sticky = true")
    for _ in range(4):
        answer = proxy.exchange(request())
        cookie = answer.get(b"Set-Cookie").decode().split(";")[0]
        words = ask("--header", f"Cookie: {cookie}")
        home = servers[b"abc".index(answer.body)].address
        assert words == f"{home} (sticky: the cookie means it)"


def test_explain_tells_that_no_server_is_in(pair):
    proxy, servers = pair
    proxy.command("down", "app", servers[0].address)
    one = choice(proxy.command("explain", "example.com/"))
    assert one == f"{servers[1].address} (the only one that is ready)"
    proxy.command("down", "app", servers[1].address)
    assert choice(proxy.command("explain", "example.com/")).startswith("none")


def test_a_changed_control_socket_is_told_to_count_later(serve, tmp_path):
    port, server = free_port(), serve(always(response(b"a")))
    file, log = tmp_path / "socket.lua", tmp_path / "log"

    def write(name):
        socket_line = f'defaults {{ control = "{tmp_path / name}" }}\n'
        file.write_text(socket_line + UPSTREAM % (port, f'"{server.address}"'))

    def wait_for(words):
        wait_until(lambda: words in log.read_text(), words)

    write("one.sock")
    with open(log, "w") as output:
        process = subprocess.Popen([binary(), file], stdout=output, stderr=output)
    try:
        wait_for("Started")
        process.send_signal(signal.SIGHUP)
        wait_for("Reloaded")
        assert "control socket" not in log.read_text()
        write("two.sock")
        process.send_signal(signal.SIGHUP)
        wait_for("control socket counts from the next start")
        assert run("status", "--control", tmp_path / "one.sock").returncode == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "command",
    [["status"], ["reload"], ["confirm"], ["up", "app", "x"], ["explain", "a/"], ["upgrade"]],
    ids=lambda command: command[0],
)
def test_without_a_running_rsp_a_command_fails_and_says_so(tmp_path, command):
    result = run(*command, "--control", tmp_path / "absent.sock")
    assert result.returncode == 1
    assert "no rsp answers" in result.stdout


@pytest.mark.parametrize(
    "command",
    [["stauts"], ["status", "more"], ["reload", "--confirm", "soon"], ["drain", "app"], ["explain"]],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(command):
    result = run(*command)
    assert result.returncode > 0 and result.stdout.strip()


@pytest.mark.parametrize(
    "sent, reason",
    [
        (b"status\n", "no JSON"),
        (b"[1]\n", '"command"'),
        (b'{"command":"explode"}\n', "no command"),
        (b'{"command":"reload","confirm":0}\n', "seconds"),
        (b'{"command":"drain"}\n', "needed"),
        (b'{"command":"' + b"a" * 70_000 + b'"}\n', "at most"),
    ],
    ids=["word", "array", "unknown", "zero", "incomplete", "long"],
)
def test_what_makes_no_sense_is_answered_by_an_error(rsp, serve, sent, reason):
    proxy = rsp(serve(always(response(b"x"))))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(proxy.control)
        client.sendall(sent)
        answer = json.loads(client.makefile("rb").readline())
    assert answer["ok"] is False and reason in answer["error"]
    assert proxy.exchange(request()).body == b"x"


def test_several_requests_go_over_one_connection(rsp, serve):
    proxy = rsp(serve(always(response())))
    asked = [{"command": "status"}, {"command": "nothing"}, {"command": "status"}]
    assert proxy.ask(*asked)["pid"] == proxy.pid


def test_sixteen_clients_are_served_and_one_more_is_told(rsp, serve):
    proxy = rsp(serve(always(response())))
    clients = []
    for _ in range(16):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(proxy.control)
        clients.append(client)
    for client in clients:
        client.sendall(b'{"command":"nothing"}\n')
        assert b"no command" in client.recv(4096)
    with socket.socket(socket.AF_UNIX) as more:
        more.settimeout(10)
        more.connect(proxy.control)
        assert b"16 clients" in more.recv(4096)
    for client in clients:
        client.close()


def test_an_open_connection_does_not_hold_a_stop_up(rsp, serve):
    proxy = rsp(serve(always(response())))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(proxy.control)
        assert proxy.stop() == 0
