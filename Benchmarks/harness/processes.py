"""Processes of a benchmark run: started on a core, ready when they accept, always ended.

Everything that is started is remembered, and `end_all` ends it by its process number.
"""

import contextlib
import ctypes
import os
import random
import resource
import signal
import socket
import subprocess
import time

PROXY_CORE, OTHER_CORE = 0, 1
READY_SECONDS = 10
PR_SET_PDEATHSIG = 1
AUTOGROUP = "/proc/self/autogroup"

_libc = ctypes.CDLL(None)
_running = []
_ports_given = set()


class BenchError(Exception):
    """Something that ends the run with a message for the user."""


def raise_file_limit(wanted):
    """Raises the limit of open files, inherited by all we start. Returns what was reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            pass  # only root may go beyond the hard limit
    reached = wanted if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, reached), hard))
    return max(soft, reached)


@contextlib.contextmanager
def precedence(autogroup=AUTOGROUP):
    """Lets our session go before other programs while something is measured, where that is allowed.

    Linux shares each core among sessions (sched(7), "autogroup"), so that a compiler on the proxy's
    core would be what the latency shows. The proxy, its clients and its server have one session.
    In a container whose group of processes has its own share of the machine, `autogroup` is empty.
    """
    before = _session_nice(autogroup)
    if before is None or not _set_session_nice(autogroup, "-20"):
        yield
        return
    try:
        yield
    finally:
        _set_session_nice(autogroup, before)


def _session_nice(autogroup):
    """The nice value in a line such as `/autogroup-283 nice 0`, or None where there is none."""
    try:
        with open(autogroup, encoding="ascii") as file:
            words = file.read().split()
    except OSError:  # a kernel without autogroups
        return None
    return words[-1] if words else None


def _set_session_nice(autogroup, nice):
    """Whether it could be set: less than 0 needs CAP_SYS_NICE."""
    try:
        with open(autogroup, "w", encoding="ascii") as file:
            file.write(nice)
    except OSError:
        return False
    return True


def free_port():
    """A free port below the range from which the kernel takes ports for outgoing connections."""
    while True:
        port = random.randrange(12000, 32000)
        if port in _ports_given:
            continue
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports_given.add(port)
        return port


def start(command, core, log=None, **options):
    """Starts `command` on one core; it gets SIGTERM should we be killed."""
    ours = os.getpid()

    def prepare():
        os.sched_setaffinity(0, {core})
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != ours:
            os._exit(1)

    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", log or subprocess.DEVNULL)
    options.setdefault("stderr", log or None)
    process = subprocess.Popen(command, preexec_fn=prepare, **options)
    _running.append(process)
    return process


def call(command):
    """Runs a command to its end."""
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    if run.returncode != 0:
        raise BenchError(f"{command[0]}: {run.stdout.decode(errors='replace')[-500:]}")


def end(process):
    """Ends a process and its children, politely first."""
    family = family_of(process.pid)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            for pid in family:
                _kill(pid)
            process.wait()
    for pid in family[1:]:
        _kill(pid)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process in _running:
        _running.remove(process)


def end_all():
    for process in list(reversed(_running)):
        end(process)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def family_of(pid):
    """A process and all its descendants, the process first."""
    family = [pid]
    for member in family:
        try:
            for task in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{task}/children", encoding="ascii") as children:
                    family += [int(child) for child in children.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return family


def wait_ready(process, port, name):
    """Waits until `process` itself serves `port`.

    A connection alone proves only that the socket listens: the kernel accepts it before a worker
    runs. So we say at once that we have nothing to ask, and wait for the end of the connection.
    """
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise BenchError(f"{name} ended at start with status {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=READY_SECONDS) as probe:
                probe.shutdown(socket.SHUT_WR)
                while probe.recv(4096):
                    pass
            return
        except OSError:
            time.sleep(0.01)
    raise BenchError(f"{name} does not accept connections after {READY_SECONDS} s")


def cpu_seconds(process):
    """CPU time of a process with its threads and children, from the scheduler's own clock."""
    # The clock of another process: its number inverted, shifted past the kind (2: the scheduler's).
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in family_of(process.pid))


def private_memory(process):
    """Bytes of anonymous memory; pages shared between processes of the family count once."""
    total = 0
    for pid in family_of(process.pid):
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return total * 1024


def anonymous_memory(process):
    """The same, faster and without correcting for shared pages: for watching a peak."""
    total = 0
    for pid in family_of(process.pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return total * 1024
