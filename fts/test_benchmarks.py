"""scripts/bench still measures what it says. Not how fast anything is: the machine is busy here."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

from harness.proxy import binary

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def processes():
    """The benchmark's own module; by its path, since the tests have a `harness` too."""
    path = ROOT / "Benchmarks" / "harness" / "processes.py"
    spec = importlib.util.spec_from_file_location("benchmark_processes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_session_of_a_benchmark_has_precedence_and_gives_it_back(processes, tmp_path):
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("/autogroup-283 nice 3\n")
    with processes.precedence(autogroup):
        assert autogroup.read_text() == "-20"
    assert autogroup.read_text() == "3"


@pytest.mark.parametrize("content", ["", None])
def test_a_machine_that_does_not_let_sessions_have_precedence_runs_benchmarks(
    processes, content, tmp_path
):
    autogroup = tmp_path / "autogroup"
    if content is not None:
        autogroup.write_text(content)
    with processes.precedence(autogroup):
        pass
    assert not autogroup.exists() or autogroup.read_text() == content


@pytest.mark.slow
@pytest.mark.parametrize(
    "case, metrics",
    [
        ("small", {"cpu_us", "rps", "p50_us", "p99_us"}),
        ("websocket", {"messages_per_cpu_second", "p50_us"}),
        ("sites", {"sites_us", "servers_us", "added_user_us", "site_bytes", "ready_ms"}),
        ("reload", {"failed", "rps", "reload_ms"}),
        ("tls", {"cpu_us", "rps", "p50_us", "p99_us"}),
        ("resumed", {"handshakes_per_cpu_second", "p50_us"}),
        ("passthrough", {"gb_per_cpu_second"}),
    ],
)
def test_a_case_of_the_benchmark_runs(case, metrics, tmp_path):
    numbers = tmp_path / "numbers.json"
    command = [sys.executable, ROOT / "scripts" / "bench", "--rsp", binary(), "--no-build"]
    command += ["--cases", case, "--proxies", "rsp", "--rounds", "1", "--seconds", "0.1"]
    run = subprocess.run(
        [*command, "--json", numbers], capture_output=True, text=True, timeout=80
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (measured,) = json.loads(numbers.read_text())[case]["rsp"]
    assert metrics <= measured.keys()
