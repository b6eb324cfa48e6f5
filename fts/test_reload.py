"""Reload: the new configuration beside the old, all or nothing, and nobody notices."""

import os
import signal
import threading

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import always
from harness.waiting import wait_until

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
UPGRADE = request("GET", "/", "Upgrade: x", "Connection: Upgrade")


def text(ports, server, *lines, route="", workers=2, **defaults):
    """One site over one upstream, on these ports of 127.0.0.1."""
    options = ", ".join(f'{name} = "{value}"' for name, value in defaults.items())
    return "\n".join(
        [
            f"workers({workers})",
            f"defaults {{ {options} }}",
            *(f'listen "127.0.0.1:{port}"' for port in ports),
            f'upstream "app" {{ "{server.address}" }}',
            f'site "*" {{ ["/"] = {{ proxy "app", {route} }} }}',
            *lines,
            "",
        ]
    )


def says(word):
    return always(response(word))


def echo(connection):
    connection.read_request_head()
    connection.send(SWITCH)
    while connection._receive():
        connection.send(connection._take(len(connection.unread)))


def refuses(port, proxy):
    try:
        type(proxy.client())(port).close()
        return False
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("how", ["command", "signal"])
def test_a_reload_puts_the_new_file_in_force(rsp, serve, how):
    old, new, port = serve(says(b"old")), serve(says(b"new")), free_port()
    proxy = rsp(text=text([port], old), port=port)
    assert proxy.exchange(request()).body == b"old"
    proxy.file.write_text(text([port], new))
    if how == "command":
        result = proxy.command("reload")
        assert result.returncode == 0 and "Reloaded" in result.stdout
        assert proxy.exchange(request()).body == b"new"
    else:
        proxy.send_signal(signal.SIGHUP)
        proxy.wait_for_log("Reloaded")
        assert proxy.exchange(request()).body == b"new"


def test_two_hundred_requests_in_flight_finish_under_the_old_configuration(rsp, serve):
    gate = threading.Event()

    def script(connection):
        while connection.read_request() is not None:
            assert gate.wait(30)
            connection.send(response(b"old"))

    old, new, port = serve(script), serve(says(b"new")), free_port()
    proxy = rsp(text=text([port], old), port=port)
    clients = [proxy.client() for _ in range(200)]
    for client in clients:
        client.send(request())
    old.wait_for_requests(200)
    proxy.file.write_text(text([port], new))
    proxy.reload()
    assert proxy.exchange(request()).body == b"new"
    gate.set()
    for client in clients:
        assert client.read_response().body == b"old"
        # The connection is as good as before, and its next request goes by the new configuration.
        assert client.exchange(request()).body == b"new"
        client.close()


def test_requests_are_answered_while_workers_get_their_own_run_of_the_program(rsp, tmp_path):
    port, mark, gate = free_port(), tmp_path / "runs", tmp_path / "gate"
    program = f"""
    workers(1)
    listen "127.0.0.1:{port}"
    site "*" {{ ["/"] = function() return respond(200, "WORD") end }}
    local mark = io.open("{mark}", "a")
    mark:write("run\\n")
    mark:close()
    local _, runs = io.open("{mark}"):read("*a"):gsub("run", "")
    -- The first run reads the file, the second is the worker's own.
    while runs % 2 == 0 and not io.open("{gate}") do end
    """
    gate.touch()
    proxy = rsp(text=program.replace("WORD", "old"), port=port)
    gate.unlink()
    mark.unlink()
    proxy.file.write_text(program.replace("WORD", "new"))
    proxy.send_signal(signal.SIGHUP)
    wait_until(lambda: mark.exists() and mark.read_text().count("run") == 2)
    assert proxy.exchange(request()).body == b"old"
    gate.touch()
    proxy.wait_for_log("Reloaded")
    assert proxy.exchange(request()).body == b"new"


@pytest.mark.parametrize(
    "broken, reason",
    [
        ('listen "x', "unfinished string"),
        ('defaults { no_such_option = 1 }', "no_such_option"),
        ('error("by hand")', "by hand"),
    ],
    ids=["syntax", "option", "error"],
)
def test_a_broken_file_changes_nothing_and_is_told(rsp, serve, broken, reason):
    server, port, other = serve(says(b"x")), free_port(), free_port()
    proxy = rsp(text=text([port], server), port=port)
    with proxy.client() as client:
        assert client.exchange(request()).body == b"x"
        proxy.file.write_text(text([other], server, broken))
        result = proxy.command("reload")
        assert result.returncode == 1 and reason in result.stdout
        proxy.wait_for_log(f"error: reload: .*{reason}")
        assert client.exchange(request()).body == b"x"
    assert refuses(other, proxy)
    assert reason in proxy.ask({"command": "status"})["last_reload"]["error"]


def test_all_mistakes_are_told(rsp, serve):
    server, port = serve(says(b"x")), free_port()
    proxy = rsp(text=text([port], server), port=port)
    proxy.file.write_text(
        text([port], server, 'defaults { one_wrong = 1 }', 'listen { "x:1", two_wrong = 2 }')
    )
    output = proxy.command("reload").stdout
    assert "one_wrong" in output and "two_wrong" in output


def test_a_file_that_is_gone_changes_nothing(rsp, serve):
    port = free_port()
    proxy = rsp(text=text([port], serve(says(b"x"))), port=port)
    proxy.file.unlink()
    result = proxy.command("reload")
    assert result.returncode == 1 and "No such file" in result.stdout
    assert proxy.exchange(request()).body == b"x"


def test_a_new_listener_is_opened_and_a_removed_one_closed(rsp, serve):
    server, first, second = serve(says(b"x")), free_port(), free_port()
    proxy = rsp(text=text([first], server), port=first)
    with proxy.client() as kept, proxy.client() as fresh:
        assert kept.exchange(request()).body == b"x"
        proxy.file.write_text(text([second], server))
        proxy.reload()
        assert refuses(first, proxy)
        # What was idle there is closed; a connection that has not asked yet may ask once.
        assert kept.wait_closed()
        answer = fresh.exchange(request())
        assert answer.body == b"x" and b"close" in answer.connection_options
    proxy.port = second
    assert proxy.exchange(request()).body == b"x"


def test_a_request_on_a_removed_listener_finishes(rsp, serve):
    gate = threading.Event()

    def script(connection):
        while connection.read_request() is not None:
            assert gate.wait(30)
            connection.send(response(b"finished"))

    server, first, second = serve(script), free_port(), free_port()
    proxy = rsp(text=text([first], server), port=first)
    with proxy.client() as client:
        client.send(request())
        server.wait_for_requests(1)
        proxy.file.write_text(text([second], server))
        proxy.reload()
        gate.set()
        answer = client.read_response()
        assert answer.body == b"finished" and b"close" in answer.connection_options


def test_a_listener_that_cannot_be_opened_leaves_everything_as_it_was(rsp, serve):
    server, port, good = serve(says(b"x")), free_port(), free_port()
    proxy = rsp(text=text([port], server), port=port)
    proxy.file.write_text(text([good, server.port], server))
    result = proxy.command("reload")
    assert result.returncode == 1 and "in use" in result.stdout.lower()
    assert proxy.exchange(request()).body == b"x"
    assert refuses(good, proxy)


def test_listeners_come_and_go_without_leaving_a_descriptor(rsp, serve):
    server, first, second = serve(says(b"x")), free_port(), free_port()
    proxy = rsp(text=text([first], server), port=first)
    before = None
    for _ in range(3):
        for port in (second, first):
            proxy.file.write_text(text([port], server))
            proxy.reload()
        if before is None:
            before = proxy.descriptors
    proxy.wait_for_descriptors(before)
    assert proxy.exchange(request()).body == b"x"


def test_changed_options_of_a_listener_apply_to_new_connections(rsp, serve):
    server, port = serve(says(b"x")), free_port()
    proxy = rsp(text=text([port], server), port=port)
    long = request("GET", "/" + "a" * 300)
    assert proxy.exchange(long).status == 200
    proxy.file.write_text(text([port], server, max_line="256"))
    proxy.reload()
    assert proxy.exchange(long).status == 414


def test_an_unchanged_upstream_keeps_its_connections_and_counts(rsp, serve):
    server, port = serve(says(b"x")), free_port()
    proxy = rsp(text=text([port], server, workers=1), port=port)
    assert proxy.exchange(request()).body == b"x"
    proxy.file.write_text(
        text([port], server, 'site "other" { ["/"] = respond(404) }', workers=1)
    )
    proxy.reload()
    assert proxy.exchange(request()).body == b"x"
    assert len(server.connections) == 1
    (upstream,) = proxy.ask({"command": "status"})["upstreams"]
    assert upstream["servers"][0]["requests"] == 2


def test_a_tunnel_whose_route_stays_is_left_alone(rsp, serve):
    server, port = serve(echo), free_port()
    proxy = rsp(text=text([port], server, drain_timeout="100ms"), port=port)
    with proxy.client() as client:
        assert client.exchange(UPGRADE).status == 101
        proxy.file.write_text(
            text([port], server, 'site "new" { ["/"] = respond(404) }', drain_timeout="100ms")
        )
        for _ in range(2):
            proxy.reload()
        assert client.is_silent_for(0.5)
        client.send(b"still here")
        assert client.read_exactly(10) == b"still here"


def test_a_tunnel_whose_route_has_changed_has_the_drain_time(rsp, serve):
    server, port = serve(echo), free_port()
    proxy = rsp(text=text([port], server, drain_timeout="300ms"), port=port)
    with proxy.client() as client:
        assert client.exchange(UPGRADE).status == 101
        changed = text([port], server, route='read_timeout = "7s"', drain_timeout="300ms")
        proxy.file.write_text(changed)
        proxy.reload()
        client.send(b"for a while")
        assert client.read_exactly(11) == b"for a while"
        assert client.read_to_cut() == b""


def test_a_reload_that_is_confirmed_stays(rsp, serve):
    old, new, port = serve(says(b"old")), serve(says(b"new")), free_port()
    proxy = rsp(text=text([port], old), port=port)
    proxy.file.write_text(text([port], new))
    assert proxy.command("reload", "--confirm", "60s").returncode == 0
    assert 0 < proxy.ask({"command": "status"})["confirm_within"] <= 60
    assert proxy.command("confirm").returncode == 0
    assert "confirm_within" not in proxy.ask({"command": "status"})
    assert proxy.exchange(request()).body == b"new"
    result = proxy.command("confirm")
    assert result.returncode == 1 and "waits" in result.stdout


def test_a_reload_that_nobody_confirms_goes_back_by_itself(rsp, serve):
    old, new, port = serve(says(b"old")), serve(says(b"new")), free_port()
    proxy = rsp(text=text([port], old), port=port)
    proxy.file.write_text(text([port], new))
    assert proxy.command("reload", "--confirm", "1s").returncode == 0
    proxy.wait_for_log("not confirmed")
    proxy.wait_for_log("Went back")
    assert proxy.exchange(request()).body == b"old"
    # The file has not changed: another reload reads it again.
    proxy.reload()
    assert proxy.exchange(request()).body == b"new"


def test_rollback_goes_back_at_once(rsp, serve):
    old, new, port = serve(says(b"old")), serve(says(b"new")), free_port()
    proxy = rsp(text=text([port], old), port=port)
    assert proxy.command("reload", "--rollback").returncode == 1
    proxy.file.write_text(text([port], new))
    proxy.command("reload", "--confirm", "60s")
    assert proxy.command("reload", "--rollback").returncode == 0
    assert proxy.exchange(request()).body == b"old"


def test_another_number_of_workers_is_refused(rsp, serve):
    server, port = serve(says(b"x")), free_port()
    proxy = rsp(text=text([port], server, workers=1), port=port)
    proxy.file.write_text(text([port], server, workers=2))
    result = proxy.command("reload")
    assert result.returncode == 1 and "restart" in result.stdout
    assert proxy.exchange(request()).body == b"x"


def test_a_proxy_without_a_file_says_so(launch, serve):
    port = free_port()
    proxy = launch(port, "127.0.0.1", serve(says(b"x")).port, port=port)
    result = proxy.command("reload")
    assert result.returncode == 1 and "no configuration file" in result.stdout
    proxy.send_signal(signal.SIGHUP)
    proxy.wait_for_log("no configuration file")
    assert proxy.exchange(request()).body == b"x"


def test_clients_notice_nothing_of_fifty_reloads(rsp, serve):
    server, port = serve(says(b"x")), free_port()
    proxy = rsp(text=text([port], server), port=port)
    stop, failures, counts = threading.Event(), [], []

    def client():
        count = 0
        try:
            with proxy.client() as connection:
                while not stop.is_set():
                    assert connection.exchange(request()).status == 200
                    count += 1
        except Exception as error:
            failures.append(error)
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(50):
        proxy.file.write_text(
            text([port], server, f'site "n{number}" {{ ["/"] = respond(404) }}')
        )
        assert proxy.ask({"command": "reload"})["ok"]
    stop.set()
    for thread in threads:
        thread.join(20)
    assert not failures and min(counts) > 0


@pytest.mark.slow
def test_memory_does_not_grow_with_reloads(rsp, serve):
    many = int(os.environ.get("RSP_RELOADS", "200"))
    server, port = serve(says(b"x")), free_port()
    sites = [
        f'site "s{n}.example" {{ ["/"] = proxy "app", ["~ ^/{n}/[0-9]+"] = respond(404) }}'
        for n in range(300)
    ]
    proxy = rsp(text=text([port], server, *sites), port=port)

    def reload(count):
        for _ in range(count):
            # Every other one changes the upstream, so that it is made anew.
            options = ", max_idle = 7" if reload.number % 2 else ""
            reload.number += 1
            proxy.file.write_text(
                text([port], server, *sites).replace(
                    f'"{server.address}"', f'"{server.address}"{options}'
                )
            )
            assert proxy.ask({"command": "reload"})["ok"]
            proxy.exchange(request())
        return proxy.memory

    reload.number = 0
    reload(10)
    before = min(reload(2) for _ in range(3))
    after = reload(many)
    # A page or two of slack beside the five per cent: the process is small.
    if after > before * 1.05 + 262144:
        after = min(reload(2) for _ in range(3))
    assert after <= before * 1.05 + 262144, f"{before} -> {after}"
    wait_until(lambda: proxy.threads <= 6, "the readers' threads to end")
