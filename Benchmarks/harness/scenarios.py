"""The cases of a hosting platform: several servers, many sites, a configuration that changes.

Each is a Runner (see cases.py) whose run is made of several: the proxy's core is measured under one
configuration after another.
"""

import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import threading
import time

from . import processes
from .cases import Runner, check_content
from .processes import BenchError
from .proxies import BALANCE, SITES, Setup

SLOW_MILLISECONDS = 50
PLATFORM_SERVERS = 10
SHORTEST = 0.1  # seconds of a turn
TURNS, TURN = 24, 0.25  # of runs with many sites and with one, within a round; of --seconds each
RELOADS, RELOAD_PAUSE = 50, 0.1
RELOAD_PATIENCE = 10  # seconds until a new configuration is in force


class Balance(Runner):
    """p50 and p99 beside one slow server, for each way of choosing one."""

    def _start_backends(self):
        self.backend, self.servers = self.bench.start_backend(ports=2)
        self.slow, ports = self.bench.start_backend("--delay", str(SLOW_MILLISECONDS))
        self.servers += ports

    def _end_backends(self):
        processes.end(self.backend)
        processes.end(self.slow)

    def _run(self, name, started, fresh):
        # Not again and again: this is many runs, and what one of them tells is tens of milliseconds.
        return self._guarded(name, started, fresh)

    def _guarded(self, name, started, fresh):
        numbers = {"problems": [], "raw": []}
        column = ("rsp", "nginx", "haproxy").index(name)
        for balance, told in BALANCE.items():
            if told[column] is None:
                continue
            try:
                process, port = self.bench.start_proxy(
                    name, Setup(self.servers, balance=balance))
                try:
                    check_content(port, self.case, name)
                    result, problems = self._load(process, port)
                finally:
                    processes.end(process)
            except (BenchError, OSError) as error:
                numbers["problems"].append(f"{balance}: {error}")
                continue
            numbers[f"{balance}_p50_ms"] = result["p50_us"] / 1e3
            numbers[f"{balance}_p99_ms"] = result["p99_us"] / 1e3
            numbers["problems"] += [f"{balance}: {problem}" for problem in problems]
            numbers["raw"].append(result)
        return numbers


class Sites(Runner):
    """What 100,000 sites and 10 servers cost beside one of each.

    The difference is a few per cent of what a request costs, less than what the machine changes
    from one second to the next. So three configurations take turns, their proxies being up all the
    time, in an order that is drawn anew for each turn; the median of the differences counts. Many
    short turns tell more than a few long ones: what the machine does meanwhile changes less between
    neighbours. The third has one site and 10 servers: ten sets of sockets cost the kernel something,
    too, whoever chooses among them and however, so what is added by it is told apart.

    Even so a tenth of a microsecond cannot be told. For rsp its own benchmark measures routing and the
    choice of a server alone (scripts/bench-routing), where it has been built.
    """

    def _start_backends(self):
        self.backend, self.servers = self.bench.start_backend(ports=PLATFORM_SERVERS)

    def _guarded(self, name, started, fresh):
        up = {}
        try:
            up["one"] = self.bench.start_proxy(name, Setup(self.servers[:1]))
            up["ten"] = self.bench.start_proxy(name, Setup(self.servers))
            began = time.monotonic()
            up["many"] = self.bench.start_proxy(name, Setup(self.servers, sites=SITES))
            ready = time.monotonic() - began
            memory = {kind: processes.private_memory(process) for kind, (process, _) in up.items()}
            for process, port in up.values():
                check_content(port, self.case, name)
            return self._alternate(up) | self._alone(name) | {
                "site_bytes": (memory["many"] - memory["one"]) / SITES, "ready_ms": ready * 1e3}
        except (BenchError, OSError) as error:
            return {"problems": [str(error)]}
        finally:
            for process, _ in up.values():
                processes.end(process)

    def _alone(self, name):
        program = os.path.join(os.path.dirname(self.bench.programs["rsp"]), "routing-benchmark")
        if name != "rsp" or not os.path.exists(program):
            return {}
        run = subprocess.run(["taskset", "-c", str(processes.PROXY_CORE), program],
                             capture_output=True, text=True, timeout=60, check=True)
        # sites, servers, and nanoseconds with the caches kept, then with 1 and 4 MiB of them used.
        rows = [line.split() for line in run.stdout.splitlines()]
        costs = {(row[0], row[1]): float(row[3]) for row in rows if row and row[0].isdigit()}
        return {"routing_us": (costs[str(SITES), "10"] - costs["1", "1"]) / 1e3}

    def _alternate(self, up):
        costs, user, problems, raw = {k: [] for k in up}, {k: [] for k in up}, [], []
        for _ in range(TURNS):
            for kind in random.sample(sorted(up), len(up)):
                seconds = max(SHORTEST, self.seconds * self.case.length * TURN)
                result, wrong = self._load(*up[kind], seconds)
                problems += wrong
                raw.append(result)
                cost = result["cpu_ns"] / max(1, result["requests"]) / 1e3
                costs[kind].append(cost)
                user[kind].append(cost * result["tick_user_ns"] / max(1, result["tick_all_ns"]))

        def added(costs, more, less):
            return statistics.median(a - b for a, b in zip(costs[more], costs[less]))
        return {"cpu_us": statistics.median(costs["many"]),
                "sites_us": added(costs, "many", "ten"), "servers_us": added(costs, "ten", "one"),
                "added_user_us": added(user, "many", "one"),
                "problems": problems, "raw": {"runs": raw}}


class Reload(Runner):
    """Requests that fail while the configuration is replaced again and again.

    Two loads at once keep the clients' core full: one on kept connections, one with a connection
    for each request. A reload counts when a new connection sees the new configuration.
    """

    def _guarded(self, name, started, fresh):
        try:
            process, port = self.bench.start_proxy(name, Setup(self.servers, generation=0))
        except (BenchError, OSError) as error:
            return {"problems": [str(error)]}
        loads = []
        try:
            check_content(port, self.case, name)
            for connections, options in ((self.case.connections, []), (8, ["--close"])):
                loads.append(self._start_endless(port, connections, options))
            took = [self._reload(name, process, port, number) for number in range(1, RELOADS + 1)]
            results = [self._interrupt(load) for load in loads]
            if process.poll() is not None:
                raise BenchError(f"{name} died with status {process.returncode}")
        except (BenchError, OSError) as error:
            return {"problems": [str(error)]}
        finally:
            for load in loads:
                processes.end(load)
            processes.end(process)
        kept, closing = results
        return {
            "failed": sum(sum(result["errors"].values()) for result in results),
            "failed_new": sum(closing["errors"].values()),
            "rps": sum(result["answered"] / result["seconds"] for result in results),
            "p99_us": kept["p99_us"], "max_ms": max(r["max_us"] for r in results) / 1e3,
            "reload_ms": statistics.median(took) * 1e3,
            "problems": [] if kept["requests"] and closing["requests"] else ["no answers"],
            "raw": {"loads": results},
        }

    def _start_endless(self, port, connections, options):
        return self._start_load(port, self.case.size, connections,
                                [*options, "--seconds", "600", "--errors", "1000000"],
                                stdin=subprocess.DEVNULL)

    def _interrupt(self, load):
        if load.poll() is not None:
            raise BenchError("the load generator broke off")
        load.send_signal(signal.SIGINT)
        timer = threading.Timer(10, load.kill)
        timer.start()
        output = load.stdout.read()
        timer.cancel()
        if not output:
            raise BenchError("the load generator broke off")
        return json.loads(output)

    def _reload(self, name, process, port, number):
        """Replaces the configuration. Returns the seconds until it is in force."""
        self.bench.configure(name, port, Setup(self.servers, generation=number))
        began = time.monotonic()
        os.kill(process.pid, signal.SIGUSR2 if name == "haproxy" else signal.SIGHUP)
        while self._generation(port) != str(number):
            if time.monotonic() > began + RELOAD_PATIENCE:
                raise BenchError(f"reload {number} is not in force after {RELOAD_PATIENCE} s")
            time.sleep(0.005)
        took = time.monotonic() - began
        time.sleep(RELOAD_PAUSE)
        return took

    @staticmethod
    def _generation(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=RELOAD_PATIENCE)
        try:
            connection.request("GET", "/generation", headers={"Connection": "close"})
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return None  # counted where the load has the same happen
        finally:
            connection.close()


class Passthrough(Runner):
    """Bytes of TLS that a proxy moves and does not decrypt: it looks at the name and no further."""

    def _start_backends(self):
        super()._start_backends()
        self.tls_backend, port = self.bench.start_tls_backend(self.servers[0])
        self.servers = [port]

    def _end_backends(self):
        processes.end(self.tls_backend)
        super()._end_backends()

    _passthrough = Runner._bulk


RUNNERS = {"balance": Balance, "sites": Sites, "reload": Reload, "passthrough": Passthrough}


def runner_of(case):
    return RUNNERS.get(case.kind, Runner)
