"""rsp as a process: started, watched, stopped."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from .client import RawClient
from .waiting import PATIENCE, wait_until

CRASH = re.compile(r"Fatal error|Program crashed|AddressSanitizer|ThreadSanitizer")


def binary():
    """The program under test: $RSP_BINARY, or what was built last in the usual places."""
    if path := os.environ.get("RSP_BINARY"):
        return str(pathlib.Path(path).resolve())
    root = pathlib.Path(__file__).resolve().parents[2]
    for build in ("debug", "release"):
        if (path := root / ".build" / build / "rsp").exists():
            return str(path)
    raise FileNotFoundError("build rsp first, or set RSP_BINARY")


def run(*arguments, cwd=None, seconds=20):
    """Runs rsp to its end, for commands that do not serve. Output: both streams in one."""
    return subprocess.run(
        [binary(), *map(str, arguments)],
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
    )


class Proxy:
    def __init__(self, arguments, port, descriptors=None, environment=None, listener=None):
        """Each gets a control socket of its own, and `listener` as systemd hands sockets over."""
        self.port = port  # or the path of a Unix socket
        self.folder = tempfile.mkdtemp(prefix="rsp-")  # short: a socket's path has 107 bytes
        self.control = f"{self.folder}/rsp.sock"

        def limit_descriptors():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        command = [binary(), "--control", self.control, *map(str, arguments)]
        if listener:
            # LISTEN_PID is the number of the process itself, which a shell knows before it is rsp.
            takes = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0 0</dev/null'
            command = ["/bin/sh", "-c", takes, "sh", *command]
        self._process = subprocess.Popen(
            command,
            stdin=listener or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
            preexec_fn=limit_descriptors if descriptors else None,
        )
        self.pid = self._process.pid
        self.log = []
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self):
        for line in self._process.stderr:
            self.log.append(line.rstrip("\n"))

    # The log

    def logged(self, pattern):
        return [line for line in list(self.log) if re.search(pattern, line)]

    def wait_for_log(self, pattern, seconds=PATIENCE):
        def found():
            if lines := self.logged(pattern):
                return lines[0]
            if self._process.poll() is not None:
                self._reader.join(5)
                assert self.logged(pattern), f"rsp ended without {pattern!r}: {self.log}"
            return None

        return wait_until(found, f"{pattern!r} in the log {self.log}", seconds)

    def wait_for_start(self):
        return self.wait_for_log(r"Started\.", seconds=20)

    # Commands

    def command(self, name, *arguments):
        """Runs a command against this process; see `run`."""
        return run(name, *arguments, "--control", self.control, seconds=60)

    def ask(self, *requests):
        """Sends JSON over the control socket; the answer to the last request."""
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rwb") as lines:
            connection.settimeout(30)
            connection.connect(self.control)
            for request in requests:
                lines.write(json.dumps(request).encode() + b"\n")
                lines.flush()
                answer = json.loads(lines.readline())
            return answer

    def reload(self):
        """Has the configuration read again, and waits until it is in force."""
        result = self.command("reload")
        assert result.returncode == 0, result.stdout

    # Clients

    def client(self, **options):
        return RawClient(self.port, **options)

    def exchange(self, data, method="GET"):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.exchange(data, method)

    # The process

    @property
    def is_running(self):
        return self._process.poll() is None

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait_for_exit(self, seconds=PATIENCE):
        status = self._process.wait(seconds)
        self._reader.join(5)
        return status

    def stop(self, number=signal.SIGTERM, seconds=PATIENCE):
        self.send_signal(number)
        return self.wait_for_exit(seconds)

    def kill(self):
        """An end without warning, which leaves its control socket behind."""
        self._process.kill()
        self._process.wait(PATIENCE)
        self._process.returncode = 0  # as we wished

    def clean_up(self):
        """Ends the process, and fails when it had already crashed."""
        status = self._process.poll()
        if status is None:
            self._process.kill()
            self._process.wait(PATIENCE)
        self._reader.join(5)
        self._process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        crashed = [line for line in self.log if CRASH.search(line)]
        assert not crashed and (status is None or status >= 0), (
            f"rsp crashed (status {status}):\n" + "\n".join(self.log[-60:])
        )

    def _status(self, name):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1])

    @property
    def memory(self):
        """Bytes of memory of its own, without files and shared pages."""
        return self._status("RssAnon") * 1024

    @property
    def threads(self):
        return self._status("Threads")

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_for_descriptors(self, count, spliced=0):
        """Large bodies move through pipes that are pooled: at most four ends, hence descriptors,
        for each of the `spliced` exchanges that ran at the same time."""
        count += 4 * spliced
        wait_until(
            lambda: self.descriptors <= count,
            f"at most {count} descriptors",
        )

    @property
    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
