"""`user`: started as root, rsp becomes somebody else and goes on with all that it has to do."""

import json
import os
import pathlib
import re
import socket
import subprocess

import pytest

from harness.certificates import Authority
from harness.messages import request, response
from harness.ports import free_port
from harness.proxy import binary, run
from harness.server import always
from harness.waiting import wait_until
from test_certificates import put, shown

NOBODY = 65534
# CAP_DAC_READ_SEARCH and CAP_NET_BIND_SERVICE (capabilities(7)).
KEPT = 1 << 2 | 1 << 10

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def text(port, server, more="", user="nobody"):
    return f"""
    defaults {{ user = "{user}" }}
    workers(2)
    listen "127.0.0.1:{port}"
    upstream "app" {{ "{server.address}" }}
    site "*" {{ ["/"] = proxy "app" }}
    {more}
    """


@pytest.fixture
def demoted(rsp, serve):
    """demoted(more=...) -> a Proxy that became nobody, in folders that only root can read."""

    def start(more="", **options):
        port = free_port()
        server = serve(always(response(b"hello")))
        proxy = rsp(text=text(port, server, more, **options), port=port)
        os.chmod(proxy.file, 0o600)
        os.chmod(pathlib.Path(proxy.file).parent, 0o700)
        return proxy

    return start


def threads(pid):
    """Of each thread: its user, its group, the other groups, and its capabilities in force."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = dict(re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.M))
        found[int(task.name)] = (
            set(status["Uid"].split()),
            set(status["Gid"].split()),
            status["Groups"].split(),
            {int(status[name], 16) for name in ("CapEff", "CapPrm")},
        )
    return found


def is_demoted(pid):
    """Every thread is nobody's and has nothing; the first keeps two capabilities."""
    for task, (users, groups, others, capabilities) in threads(pid).items():
        assert users == groups == {str(NOBODY)}
        assert "0" not in others
        assert capabilities == ({KEPT} if task == pid else {0}), f"thread {task}"


def low_port():
    for port in range(600, 1024):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port below 1024")


def test_every_thread_becomes_the_user(demoted):
    proxy = demoted()
    assert proxy.exchange(request()).body == b"hello"
    assert len(threads(proxy.pid)) >= 4
    is_demoted(proxy.pid)
    assert proxy.logged("Running as nobody")


def test_a_group_of_its_own(demoted):
    import grp

    group = grp.getgrnam("daemon")
    proxy = demoted(user=f"nobody:{group.gr_name}")
    for users, groups, _, _ in threads(proxy.pid).values():
        assert users == {str(NOBODY)} and groups == {str(group.gr_gid)}


def test_nobody_may_look_into_the_process(demoted):
    # What a process that may be dumped has in /proc is its user's, otherwise root's (proc(5)).
    assert os.stat(f"/proc/{demoted().pid}/environ").st_uid == 0


def test_a_reload_reads_what_only_root_can_and_opens_a_low_port(demoted):
    proxy = demoted()
    port = low_port()
    with open(proxy.file, "a") as file:
        file.write(f'\nlisten "127.0.0.1:{port}"\n')
    proxy.reload()
    proxy.port = port
    assert proxy.exchange(request()).body == b"hello"
    is_demoted(proxy.pid)


def test_certificates_that_only_root_can_read_are_read_again(demoted, authority, tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir(mode=0o700)
    old, new = (authority.issue("one.test") for _ in range(2))
    put(old.text, folder / "one.pem")
    os.chmod(folder / "one.pem", 0o600)
    port = free_port()
    listen = f'listen {{ "127.0.0.1:{port}", certificates = {json.dumps(str(folder))} }}'
    proxy = demoted(listen)
    proxy.port = port
    assert shown(proxy, "one.test") == old.der
    put(new.text, folder / "one.pem")
    os.chmod(folder / "one.pem", 0o600)
    wait_until(lambda: shown(proxy, "one.test") == new.der, "the new certificate")


def test_the_successor_of_an_upgrade_is_the_same_user_and_can_do_the_same(demoted, peers):
    proxy = demoted()
    assert proxy.command("upgrade").returncode == 0
    pid = proxy.ask({"command": "status"})["pid"]
    peers.callback(os.kill, pid, 9)
    assert pid != proxy.pid and proxy.wait_for_exit() == 0
    is_demoted(pid)
    port = low_port()
    with open(proxy.file, "a") as file:
        file.write(f'\nlisten "127.0.0.1:{port}"\n')
    proxy.reload()
    proxy.port = port
    assert proxy.exchange(request()).body == b"hello"
    is_demoted(pid)


def test_a_changed_user_counts_from_the_next_start(demoted):
    proxy = demoted()
    config = pathlib.Path(proxy.file).read_text()
    pathlib.Path(proxy.file).write_text(config.replace("nobody", "daemon"))
    proxy.reload()
    proxy.wait_for_log("changed user counts from the next start")
    is_demoted(proxy.pid)


@pytest.mark.parametrize("user", ["nosuchuser", "nobody:nosuchgroup"])
def test_a_user_that_there_is_not_stops_the_start_and_check(serve, tmp_path, user):
    file = tmp_path / "rsp.lua"
    file.write_text(text(free_port(), serve(always(response())), user=user))
    for command in ("check", "run"):
        result = run(command, file)
        assert result.returncode == 1
        assert "nosuch" in result.stdout


def test_only_root_becomes_somebody_else(serve, tmp_path):
    file = tmp_path / "rsp.lua"
    file.write_text(text(free_port(), serve(always(response())), user="daemon"))
    os.chmod(file, 0o644)
    for folder in file.parents:
        if folder == pathlib.Path("/tmp"):
            break
        os.chmod(folder, 0o755)
    result = subprocess.run(
        [binary(), "--control", "", str(file)],
        user="nobody", group=NOBODY, extra_groups=[], cwd="/", text=True, timeout=20,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert result.returncode == 1
    assert 'only root can become "daemon"' in result.stdout
