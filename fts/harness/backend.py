"""Real servers that name themselves, each a process: killed, brought back, frozen, slowed."""

import pathlib
import signal
import subprocess
import sys
import threading

from .ports import free_port
from .waiting import wait_until

PROGRAM = pathlib.Path(__file__).with_name("backend_program.py")


class Backend:
    """Answers every request with `name` and a line end; see backend_program.py for the targets.

    `kill` and `start` (on the same port), `freeze` and `thaw`, `slow` and `set_health` are what
    happens to servers. `heard` holds the first lines of all requests it took, over all its lives,
    `requests` those that are no checks of /health, `checks` counts those that are, and
    `connections` is how many stand now.
    """

    def __init__(self, name, port=None):
        self.name, self.port = name, port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.heard, self.requests, self.checks, self.connections = [], [], 0, 0
        self._process = None
        self.start()

    def start(self):
        assert self._process is None, f"{self.name} runs already"
        # Python closes the pipe's other end when it ends, however it ends; the program then does.
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, self.name, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.connections, self._ready, self._done = 0, False, []
        self._reader = threading.Thread(target=self._listen, args=[self._process], daemon=True)
        self._reader.start()
        wait_until(lambda: self._ready, f"server {self.name} to listen")

    def _listen(self, process):
        for line in process.stdout:
            line = line.rstrip("\n")
            if line == "ready":
                self._ready = True
            elif line in "+-":
                self.connections += 1 if line == "+" else -1
            elif line.startswith("done "):
                self._done.append(line[5:])
            else:
                self.heard.append(line)
                if line.split(" ")[1] == "/health":
                    self.checks += 1
                else:
                    self.requests.append(line)

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process is not None

    def kill(self):
        """Ends it at once: connections are reset or closed, new ones refused."""
        process, self._process = self._process, None
        process.kill()
        process.wait(10)
        self._reader.join(10)
        process.stdin.close()
        process.stdout.close()
        self.connections = 0

    def restart(self):
        self.kill()
        self.start()

    def freeze(self):
        """SIGSTOP: the kernel still accepts connections and takes bytes, nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def slow(self, seconds):
        """From now on answers come that much later, those to /health apart."""
        self._order(f"delay {seconds}")

    def set_health(self, status):
        """From now on /health is answered with this status."""
        self._order(f"health {status}")

    def _order(self, order):
        self._done.clear()
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        wait_until(lambda: order in self._done, f"server {self.name} to obey {order!r}")

    def stop(self):
        """Ends it, whatever state it is in."""
        if self._process is not None:
            self.kill()
