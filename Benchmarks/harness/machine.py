"""What the benchmark needs from the machine, and what it says about it.

Missing packages come by apt-get; our own programs are built with the system's C compiler.
"""

import os
import platform
import re
import shutil
import subprocess

from .processes import BenchError
from .steadiness import machine_seconds

# A command we need, and the Debian package that has it.
PACKAGES = {"nginx": "nginx", "haproxy": "haproxy", "cc": "gcc", "openssl": "openssl"}
# What building our C programs needs, and what building rsp needs beside Swift: a file of each package.
C_LIBRARIES = {"/usr/include/stdio.h": "libc6-dev", "/usr/include/openssl/ssl.h": "libssl-dev"}
LIBRARIES = C_LIBRARIES | {
    "/usr/bin/pkg-config": "pkg-config", "/usr/include/luajit-2.1/lua.h": "libluajit2-5.1-dev",
    "/usr/include/ares.h": "libc-ares-dev",
}
SEARCH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


def which(command):
    return shutil.which(command, path=SEARCH)


def install(commands, files=()):
    """Installs the packages of the commands and files that are missing."""
    missing = {PACKAGES[command] for command in commands if which(command) is None}
    missing |= {LIBRARIES[file] for file in files if not os.path.exists(file)}
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = sorted(missing)
    print(f"Installing {', '.join(packages)}", flush=True)
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        if subprocess.run([*root, "apt-get", *command], env=environment).returncode != 0:
            raise BenchError(f"apt-get {command[0]} failed; needed: {', '.join(packages)}")


def compile_programs(source, folder):
    """Builds our C programs into `folder`. Returns their paths by name."""
    built = {}
    for name in ("backend", "load", "pump"):
        built[name] = os.path.join(folder, name)
        command = [which("cc"), "-O2", "-Wall", "-Wextra", "-Werror",
                   "-o", built[name], os.path.join(source, f"{name}.c"), "-lssl", "-lcrypto"]
        if subprocess.run(command).returncode != 0:
            raise BenchError(f"{name}.c does not compile")
    return built


def build_rsp(root):
    command = ["swift", "build", "-c", "release", "--static-swift-stdlib"]
    print(f"Building rsp: {' '.join(command)}", flush=True)
    if shutil.which("swift") is None:
        raise BenchError("Swift is not installed: see swift.org/install, or use --without-rsp")
    if subprocess.run(command, cwd=root).returncode != 0:
        raise BenchError("rsp does not build (--without-rsp measures the others alone)")


def _first_line(command):
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = run.stdout.decode(errors="replace")
    return text.splitlines()[0].strip() if text else ""


def versions(programs):
    """{name: version} of the proxies that are there."""
    found = {}
    for name, option in (("rsp", "--version"), ("nginx", "-v"), ("haproxy", "-v")):
        if name in programs:
            line = _first_line([programs[name], option])
            number = re.search(r"\d+\.\d+[^\s]*", line)
            found[name] = number.group() if number else line or "unknown"
    return found


def description():
    """The machine in one line."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as lines:
        memory = int(lines.readline().split()[1]) / (1 << 20)
    system = ""
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release", encoding="utf-8") as lines:
            names = dict(line.rstrip().split("=", 1) for line in lines if "=" in line)
            system = names.get("PRETTY_NAME", "").strip('"') + ", "
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB of memory, "
            f"{system}Linux {platform.release()}")


def busy_seconds():
    """CPU time the whole machine has used, by everybody."""
    user, nice, system, _, _, irq, softirq, steal = machine_seconds()
    return user + nice + system + irq + softirq + steal
