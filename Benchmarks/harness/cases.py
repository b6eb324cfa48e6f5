"""The cases: what is asked of the proxies, and how one measured run becomes numbers.

A run's numbers are a dictionary of metrics (see METRICS in report.py) and `problems`, a list of
sentences; a run with problems has failed and its numbers count for nothing.
"""

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field

from . import processes, proxies, steadiness
from .processes import BenchError
from .proxies import Setup

KIB, MIB = 1 << 10, 1 << 20
ORDINARY = ("rsp", "nginx", "haproxy", "pump")
PLATFORM = ("rsp", "nginx", "haproxy")
IDLE_SETTLE_SECONDS = 3
SLOW_READERS, SLOW_RATE, SLOW_SIZE = 200, 64 * KIB, 10 * MIB
# The warm-up of that case lasts until the readers' first fill of everybody's buffers is over. With
# 0.3 s it depended on what else the machine did whether that counted.
SLOW_SEND_BUFFER = ["--send-buffer", str(256 * KIB)]  # the backend's, see there
# Clients of a closed loop may use up their core: they then wait, and the proxy's cost is the same.
# A timetable may not be late because of its own clients.
BUSY_CORE = 0.9


@dataclass
class Case:
    name: str
    title: str
    size: int  # of an answer, bytes
    connections: int
    kind: str = "requests"  # or "bulk", "idle", "slow", or one of scenarios.RUNNERS
    options: list = field(default_factory=list)  # of the load generator
    timed: bool = False  # latency is what counts, so the clients must have time to spare
    length: float = 1.0  # times --seconds
    names: tuple = ORDINARY
    once: bool = False  # too steady to need rounds
    tls: bool = False  # clients speak TLS, which ends at the proxy


CASES = [
    Case("small", "small keep-alive, 64 connections", 128, 64, length=2),
    Case("browser", "the same, 600-byte requests with 12 fields", 128, 64, options=["--browser"]),
    Case("one", "small keep-alive, 1 connection", 128, 1),
    Case("rate", "100 connections, 10,000 requests/s on a timetable", 128, 100, timed=True,
         options=["--rate", "10000"]),
    Case("new", "a new connection per request", 128, 64, options=["--close"]),
    Case("16k", "16 KiB answers", 16 * KIB, 64),
    Case("1m", "1 MiB answers", MIB, 16, kind="bulk", names=proxies.NAMES),
    Case("64m", "64 MiB answers", 64 * MIB, 4, kind="bulk", names=proxies.NAMES),
    Case("upload", "1 MiB uploads", 16, 16, kind="bulk", options=["--upload", str(MIB)],
         names=proxies.NAMES),
    Case("idle", "8,000 idle keep-alive connections", 128, 8000, kind="idle", once=True),
    Case("slow", f"{SLOW_READERS} slow readers of 10 MiB beside 2,000 requests/s", 128, 50,
         kind="slow", timed=True, options=["--rate", "2000", "--warmup", "1"]),
    Case("websocket", "WebSocket echo of 120 bytes, 64 connections", 0, 64, kind="websocket",
         options=["--websocket", "120"]),
    Case("balance", "three servers, one 50 ms slow, 4,000 requests/s", 128, 400, kind="balance",
         timed=True, options=["--rate", "4000", "--hosts", "1000"], names=PLATFORM),
    Case("sites", "100,000 sites and 10 servers beside one of each", 128, 64, kind="sites",
         options=["--hosts", "100000", "--warmup", "0.1"], names=PLATFORM),
    Case("reload", "50 reloads under full load", 128, 64, kind="reload", once=True,
         names=PLATFORM),
    Case("tls", "TLS 1.3, small keep-alive, 64 connections", 128, 64, length=2, tls=True,
         options=["--tls"]),
    Case("handshake", "TLS 1.3, full handshakes, ECDSA P-256", 128, 16, kind="handshakes", tls=True,
         options=["--handshake"]),
    Case("resumed", "TLS 1.3, resumed handshakes", 128, 16, kind="handshakes", tls=True,
         options=["--handshake", "--resume"]),
    Case("tls64m", "64 MiB answers over TLS 1.3", 64 * MIB, 4, kind="bulk", tls=True,
         options=["--tls"]),
    Case("passthrough", "64 MiB answers over TLS that is passed through", 64 * MIB, 4,
         kind="passthrough", options=["--tls"], names=tuple(
             name for name in proxies.NAMES if name != "nginx")),
    Case("tlsidle", "4,000 idle TLS connections", 128, 4000, kind="idle", once=True, tls=True,
         options=["--tls"]),
]


def answer_bytes(port, size):
    """The size of the backend's whole answer, head included."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET /{size} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        return answer.index(b"\r\n\r\n") + 4 + size


def check_content(port, case, name):
    """One request by another client, which compares every byte (the load only counts them)."""
    pattern = bytes(ord("a") + i % 23 for i in range(65536))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        if case.tls or "--tls" in case.options:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(
                socket.create_connection(("127.0.0.1", port), timeout=10),
                server_hostname="www.example.com")
        body = pattern * 16 if "--upload" in case.options else None
        connection.request("POST" if body else "GET", f"/{case.size}", body,
                           {"Host": "www.example.com"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise BenchError(f"{name} answers with status {answer.status}")
        got = answer.read()
        if got != (pattern * (case.size // len(pattern) + 1))[:case.size]:
            raise BenchError(f"{name} changes the answer's body")
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{name} does not answer: {error!r}") from None
    finally:
        connection.close()


class Runner:
    """Runs one case for several proxies in rounds."""

    def __init__(self, bench, case, names, seconds, rounds, say):
        self.bench, self.case, self.seconds, self.say = bench, case, seconds, say
        self.names = [name for name in names if name in case.names]
        self.rounds = 1 if case.once else rounds
        self.backend = self.servers = None

    def run(self):
        """Returns {proxy: [numbers of each round]}."""
        results = {name: [] for name in self.names}
        self._start_backends()
        # A run that measures memory has a fresh proxy; the others share one through the rounds.
        fresh = self.case.kind in ("idle", "slow")
        started = {}
        try:
            for turn in range(self.rounds):
                # The order changes from round to round: nobody always follows the same neighbour.
                shift = turn % max(1, len(self.names))
                for name in self.names[shift:] + self.names[:shift]:
                    self.say(f"{self.case.name}: round {turn + 1}/{self.rounds}, {name}")
                    results[name].append(self._run(name, started, fresh))
        finally:
            for process, _ in started.values():
                processes.end(process)
            self._end_backends()
        return results

    def _run(self, name, started, fresh):
        def once():
            return self._guarded(name, started, fresh)
        return steadiness.steadiest(once) if self.case.timed else once()

    def _start_backends(self):
        options = SLOW_SEND_BUFFER if self.case.kind == "slow" else []
        self.backend, self.servers = self.bench.start_backend(*options)

    def _end_backends(self):
        processes.end(self.backend)

    def _guarded(self, name, started, fresh):
        try:
            if name not in started:
                started[name] = self._start(name)
            process, port = started[name]
            numbers = getattr(self, f"_{self.case.kind}")(process, port)
            if process.poll() is not None:
                raise BenchError(f"{name} died with status {process.returncode}")
        except (BenchError, OSError) as error:
            numbers = {"problems": [str(error)]}
            fresh = True
        if fresh and name in started:
            processes.end(started.pop(name)[0])
        return numbers

    def _start(self, name):
        case = self.case
        closing = "--close" in case.options
        process, port = self.bench.start_proxy(name, Setup(
            self.servers, large=case.kind in ("bulk", "passthrough"),
            answer=answer_bytes(self.servers[0], case.size) if closing else None,
            connections=case.connections + 1000 if case.kind == "idle" else 2048,
            websocket=case.kind == "websocket", tls=case.tls,
            passthrough=case.kind == "passthrough"))
        # An idle case counts from before the first connection; the pump can't end a client that
        # does not say when it is done.
        if case.kind not in ("idle", "websocket") and not (closing and name in proxies.PUMPS):
            try:
                check_content(port, case, name)
            except BenchError:
                processes.end(process)
                raise
        return process, port

    # The kinds of run

    def _requests(self, process, port):
        result, problems = self._load(process, port)
        answered, cpu = max(1, result["requests"]), result["cpu_ns"]
        user = cpu * result["tick_user_ns"] / max(1, result["tick_all_ns"])
        return {
            "cpu_us": cpu / answered / 1e3, "user_us": user / answered / 1e3,
            "system_us": (cpu - user) / answered / 1e3,
            "rps": result["requests"] / result["seconds"],
            "p50_us": result["p50_us"], "p99_us": result["p99_us"],
            "problems": problems, "raw": result,
        }

    def _bulk(self, process, port):
        numbers = self._requests(process, port)
        result = numbers["raw"]
        # Few requests end within a run: count them by their bytes.
        size = MIB if "--upload" in self.case.options else self.case.size
        shorten = result["requests"] * size / max(1, result["bytes"])
        for metric in ("cpu_us", "user_us", "system_us"):
            numbers[metric] *= shorten
        del numbers["rps"]
        numbers["gb_per_cpu_second"] = result["bytes"] / max(1, result["cpu_ns"])
        numbers["gb_per_second"] = result["bytes"] / result["seconds"] / 1e9
        return numbers

    def _handshakes(self, process, port):
        result, problems = self._load(process, port)
        return {
            "handshakes_per_cpu_second": result["requests"] * 1e9 / max(1, result["cpu_ns"]),
            "p50_us": result["p50_us"], "p99_us": result["p99_us"],
            "problems": problems, "raw": result,
        }

    def _websocket(self, process, port):
        numbers = self._requests(process, port)
        # The load compares each message that comes back byte by byte.
        numbers["messages_per_cpu_second"] = 1e6 / max(1e-3, numbers["cpu_us"])
        for metric in ("cpu_us", "user_us", "system_us", "rps"):
            del numbers[metric]
        return numbers

    def _idle(self, process, port):
        before = processes.private_memory(process)
        holder = self._start_load(port, self.case.size, self.case.connections,
                                  [*self.case.options, "--hold", "--sources", "4"])
        problems = self._await(holder, 60)
        time.sleep(IDLE_SETTLE_SECONDS)
        after = processes.private_memory(process)
        result = self._finish(holder)
        count = self.case.connections
        return {
            "idle_bytes": (after - before) / count, "idle_all_bytes": after / count,
            "start_kib": before / KIB, "problems": problems + errors_of(result), "raw": result,
        }

    def _slow(self, process, port):
        peak, stop = [0], threading.Event()

        def sample():
            while not stop.wait(0.1):
                try:
                    peak[0] = max(peak[0], processes.anonymous_memory(process))
                except OSError:
                    return

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            slow = self._start_load(port, SLOW_SIZE, SLOW_READERS,
                                    ["--read-rate", str(SLOW_RATE)])
            problems = self._await(slow, 30)
            numbers = self._requests(process, port)
            result = self._finish(slow)
        finally:
            stop.set()
            sampler.join()
        if result and result["bytes"] < SLOW_READERS * SLOW_RATE * self.seconds / 2:
            problems.append("the slow readers were starved")
        return {
            "others_p50_us": numbers["p50_us"], "others_p99_us": numbers["p99_us"],
            "peak_mib": peak[0] / MIB, "raw": [numbers["raw"], result],
            "problems": numbers["problems"] + problems + errors_of(result),
        }

    # The load generator

    def _start_load(self, port, size, connections, options, **streams):
        command = [self.bench.programs["load"], str(port), f"/{size}", "--expect", str(size),
                   "--connections", str(connections), *options]
        streams.setdefault("stdin", subprocess.PIPE)
        return processes.start(command, processes.OTHER_CORE, stdout=subprocess.PIPE, **streams)

    def _await(self, load, seconds):
        """Waits until connections that stay are all there. Returns the problems."""
        timer = threading.Timer(seconds, load.kill)
        timer.start()
        line = load.stdout.readline()
        timer.cancel()
        return [] if line == b"ready\n" else [f"not all clients were served in {seconds} s"]

    def _finish(self, load):
        """Ends clients that stay. Returns what they saw, or None."""
        load.stdin.close()
        load.stdin = None
        try:
            output = load.stdout.read()
            return json.loads(output) if output else None
        finally:
            processes.end(load)

    def _load(self, process, port, seconds=None):
        """A measured run. Returns what the load generator printed, and the problems."""
        case, seconds = self.case, seconds or self.seconds * self.case.length
        watched = processes.family_of(process.pid)
        options = [*case.options, "--seconds", str(seconds)]
        for pid in watched:
            options += ["--watch", str(pid)]
        backend_before, started = processes.cpu_seconds(self.backend), time.monotonic()
        load = self._start_load(port, case.size, case.connections, options,
                                stdin=subprocess.DEVNULL)
        timer = threading.Timer(seconds + 20, load.kill)
        timer.start()
        output = load.stdout.read()
        timer.cancel()
        processes.end(load)
        if not output:
            raise BenchError("the load generator broke off")
        backend = processes.cpu_seconds(self.backend) - backend_before
        result = json.loads(output)
        result["backend_core_share"] = backend / (time.monotonic() - started)
        problems = errors_of(result)
        if result["requests"] == result["bytes"] == 0:
            problems.append("no request was answered")
        if case.timed and result["load_core_share"] + result["backend_core_share"] > BUSY_CORE:
            problems.append("the clients' core was too busy to keep the timetable")
        return result, problems


def errors_of(result):
    if result is None:
        return ["the load generator broke off"]
    return [f"{count} {kind} errors" for kind, count in result["errors"].items() if count]
