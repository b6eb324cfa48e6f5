"""scripts/bench still measures what it says. Not how fast anything is: the machine is busy here."""

import json
import pathlib
import subprocess
import sys

import pytest

from harness.proxy import binary

ROOT = pathlib.Path(__file__).resolve().parents[1]


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
