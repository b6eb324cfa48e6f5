"""Active health checks: when servers fall and rise, by status, body, connection and time."""

import pytest

from harness.messages import request, response
from harness.ports import free_port
from harness.server import ScriptedServer
from harness.waiting import wait_until

FALL, RISE = 3, 2


@pytest.fixture
def front(rsp):
    """front(servers, "path = ...") -> a Proxy that checks the servers ten times a second."""

    def start(servers, check="", rise=RISE, fall=FALL, timeout="1s", interval="100ms"):
        port = free_port()
        addresses = ", ".join(f'"{server.address}"' for server in servers)
        policy = f'interval = "{interval}", timeout = "{timeout}", rise = {rise}, fall = {fall}'
        # Requests do not put a server out here: only checks do.
        text = f"""
            workers(2)
            defaults {{ retries = 0, response_timeout = "1s" }}
            listen "127.0.0.1:{port}"
            upstream "app" {{
                {addresses}, balance = "round_robin",
                health_check = {{ {check}{", " if check else ""}{policy} }},
            }}
            site "*" {{ ["/"] = proxy "app" }}
        """
        return rsp(text=text, port=port)

    return start


def names(proxy, count=8):
    """Who answers a row of requests; a status where rsp itself does."""
    answers = [proxy.exchange(request()) for _ in range(count)]
    return {
        answer.body.decode().strip() if answer.status == 200 else answer.status
        for answer in answers
    }


def wait_for(proxy, *expected):
    wait_until(lambda: names(proxy) == set(expected), f"answers of {expected}")


def test_a_server_falls_and_rises_by_the_status_of_its_checks(front, backends):
    sick, well = servers = backends("sick", "well")
    proxy = front(servers, 'path = "/health"')
    wait_for(proxy, "sick", "well")
    sick.set_health(500)
    line = proxy.wait_for_log(f"server {sick.address} is down")
    assert f"{FALL} checks in a row failed, the last: status 500" in line
    wait_for(proxy, "well")
    sick.set_health(200)
    proxy.wait_for_log(f"server {sick.address} is up: {RISE} checks in a row passed")
    wait_for(proxy, "sick", "well")
    assert not proxy.logged(f"server {well.address} is")


class Checked(ScriptedServer):
    """Answers requests with its name and checks with what it is told, and counts the checks."""

    def __init__(self, name, good=response(b"ready"), bad=response(b"no", status="500 Oops")):
        self.name, self.good, self.bad = name, good, bad
        self.verdicts = iter(())
        self.given, self.heads = [], []
        super().__init__(self._converse)

    def _converse(self, connection):
        while (got := connection.read_request()) is not None:
            if not got.target.startswith(b"/health"):
                connection.send(response(self.name.encode()))
                continue
            self.heads.append(got)
            verdict = next(self.verdicts, True)
            self.given.append(verdict)
            connection.send(self.good if verdict else self.bad)


@pytest.fixture
def checked(peers):
    def start(*arguments, **options):
        server = Checked(*arguments, **options)
        peers.callback(server.stop)
        return server

    return start


def test_fewer_failures_in_a_row_than_fall_change_nothing(front, checked):
    server = checked("app")
    server.verdicts = iter([True, False, False, True, False, False, True])
    proxy = front([server], 'path = "/health"')
    wait_until(lambda: len(server.given) >= 8, "eight checks")
    assert not proxy.logged("is down")
    assert names(proxy) == {"app"}


def test_as_many_failures_in_a_row_as_fall_put_a_server_out(front, checked):
    server = checked("app")
    server.verdicts = iter([True] + FALL * [False] + 1000 * [None])
    proxy = front([server], 'path = "/health"')
    proxy.wait_for_log("is down")
    # The only server is out: rsp says so, and when to come back.
    answer = proxy.exchange(request())
    assert answer.status == 503
    assert answer.get(b"Retry-After")


def test_a_single_success_brings_no_server_in_when_rise_is_two(front, checked):
    server = checked("app")
    server.verdicts = iter(FALL * [False] + [True, False, True, False] + 1000 * [False])
    proxy = front([server], 'path = "/health"')
    wait_until(lambda: len(server.given) >= FALL + 6, "checks after the fall")
    assert proxy.logged("is down") and not proxy.logged("is up")
    assert names(proxy) == {503}


def test_what_a_check_asks(front, checked):
    server = checked("app")
    front([server], 'path = "/health?deep=1", host = "app.example"')
    wait_until(lambda: server.heads, "a check")
    assert server.heads[0].raw == (
        b"GET /health?deep=1 HTTP/1.1\r\nHost: app.example\r\n"
        b"User-Agent: rsp health check\r\nConnection: close\r\n\r\n"
    )


def test_a_check_may_be_of_another_method(front, checked):
    server = checked("app")
    front([server], 'path = "/health", method = "OPTIONS"')
    wait_until(lambda: server.heads, "a check")
    assert server.heads[0].raw.startswith(b"OPTIONS /health HTTP/1.1\r\nHost: 127.0.0.1:")


def test_the_expected_status_is_an_option(front, checked):
    server = checked("app", good=response(b"", status="404 Not Found"))
    proxy = front([server], 'path = "/health", status = "2xx"')
    assert "status 404" in proxy.wait_for_log("is down")
    other = checked("other", good=response(b"", status="404 Not Found"))
    proxy = front([other], 'path = "/health", status = { 404 }')
    wait_until(lambda: len(other.given) > FALL, "checks")
    assert not proxy.logged("is down")


def test_the_body_has_to_match_a_pattern(front, checked):
    ready = checked("ready", good=response(b'{"status": "up"}'))
    broken = checked("broken", good=response(b'{"status": "starting"}'))
    proxy = front([ready, broken], """path = "/health", body = '"status": *"up"'""")
    line = proxy.wait_for_log("is down")
    assert broken.address in line and "the body does not match" in line
    wait_for(proxy, "ready")
    broken.good = ready.good
    wait_for(proxy, "ready", "broken")


def test_a_tcp_check_is_content_with_a_connection(front, backends):
    (server,) = backends("app")
    server.set_health(500)
    proxy = front([server], 'type = "tcp"')
    wait_for(proxy, "app")
    server.kill()
    assert "connection refused" in proxy.wait_for_log("is down")
    wait_for(proxy, 503)
    assert server.checks == 0
    server.start()
    proxy.wait_for_log("is up")
    wait_for(proxy, "app")


def test_a_frozen_server_falls_by_the_timeout(front, backends):
    frozen, well = servers = backends("frozen", "well")
    proxy = front(servers, 'path = "/health"', timeout="200ms")
    wait_for(proxy, "frozen", "well")
    frozen.freeze()
    assert "timed out" in proxy.wait_for_log(f"server {frozen.address} is down")
    wait_for(proxy, "well")
    frozen.thaw()
    proxy.wait_for_log(f"server {frozen.address} is up")
    wait_for(proxy, "frozen", "well")


def test_checks_may_ask_another_port(front, checked):
    server, monitor = checked("app"), checked("monitor")
    proxy = front([server], f'path = "/health", port = {monitor.port}')
    wait_until(lambda: monitor.given, "a check")
    assert not server.given
    monitor.verdicts = iter(1000 * [False])
    proxy.wait_for_log(f"server {server.address} is down")


def test_one_checker_finds_what_all_workers_heed(front, checked):
    server = checked("app")
    proxy = front([server], 'path = "/health"')
    wait_for(proxy, "app")
    server.verdicts = iter(1000 * [False])
    wait_for(proxy, 503)
    assert len(proxy.logged("is down")) == 1


def test_a_server_that_is_out_at_the_start_is_not_asked_for_long(front, backends):
    (dead,) = backends("dead")
    dead.kill()
    proxy = front([dead], 'path = "/health"')
    proxy.wait_for_log(f"server {dead.address} is down: .* connection refused")
    wait_for(proxy, 503)
    dead.start()
    wait_for(proxy, "dead")


def test_status_tells_why_the_last_check_failed(front, checked):
    bad = checked("bad", good=response(b"no", status="500 Oops"))
    proxy = front([checked("fine"), bad], 'path = "/health"')

    def failures():
        (upstream,) = proxy.ask({"command": "status"})["upstreams"]
        return [server["check_failure"] for server in upstream["servers"]]

    wait_until(lambda: failures()[1], "a failed check")
    assert failures()[0] is None and "500" in failures()[1]
    assert f"app {bad.address}: the last check failed: " in proxy.command("status").stdout
