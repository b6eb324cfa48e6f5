"""The proxies that are compared: how each is configured and started.

A name with `-splice` is the same program told to move bodies by splice(2).
"""

import os

from . import processes
from .processes import BenchError

RSP, PEERS, PUMPS = "rsp", ("nginx", "haproxy", "haproxy-splice"), ("pump", "pump-splice")
NAMES = (RSP, *PEERS, *PUMPS)
TITLES = {
    "rsp": "rsp", "nginx": "nginx", "haproxy": "HAProxy", "haproxy-splice": "HAProxy, splice",
    "pump": "pump", "pump-splice": "pump, splice",
}
SPLICING = ("haproxy-splice", "pump-splice")


class Bench:
    """What every case needs to know: the programs, the folder for files, the user's choices."""

    def __init__(self, folder, source, programs, forwarded):
        self.folder = folder
        self.source = source
        self.programs = programs  # name of a program -> its path
        self.forwarded = forwarded

    def start_backend(self, *options):
        port = processes.free_port()
        command = [self.programs["backend"], str(port), *options]
        process = processes.start(command, processes.OTHER_CORE)
        processes.wait_ready(process, port, "the backend")
        return process, port

    def start_proxy(self, name, backend, connections, large=False, answer=None):
        """Starts a proxy on its core. Returns (process, port) when it accepts connections.

        `connections` is how many it must be able to hold, `large` says that the bodies are, and
        `answer` is the size of a whole answer, by which the pump knows its end.
        """
        port = processes.free_port()
        command = self._command(name, port, backend, connections, large, answer)
        with open(os.path.join(self.folder, f"{name}.log"), "wb") as log:
            process = processes.start(command, processes.PROXY_CORE, log)
        try:
            processes.wait_ready(process, port, TITLES[name])
        except BenchError as error:
            with open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8",
                      errors="replace") as log:
                raise BenchError(f"{error}\n{log.read()[-2000:]}") from None
        return process, port

    def _command(self, name, port, backend, connections, large, answer):
        program = self.programs[name.removesuffix("-splice")]
        names = {"PORT": port, "BACKEND": backend, "CONNECTIONS": connections}
        if name == "rsp":
            return [program, self._configuration("rsp.lua", names)]
        if name == "nginx":
            names |= self._nginx_names(connections)
            configuration = self._configuration("nginx.conf", names)
            return [program, "-p", self.folder, "-e", f"{self.folder}/nginx.log",
                    "-c", configuration]
        if name.startswith("haproxy"):
            splicing = name in SPLICING
            splice = "option splice-request\n  option splice-response" if splicing else ""
            buffers = "tune.bufsize 65536" if large and not splicing else ""
            forwarded = (
                "option forwardfor\n  http-request set-header X-Forwarded-Proto http\n"
                "  http-request set-header X-Forwarded-Host %[req.hdr(host)]\n"
                "  http-request set-header X-Real-IP %[src]\n"
                "  http-request set-header X-Request-ID %[uuid()]")
            names |= {"SPLICE": splice, "BUFFERS": buffers,
                      "FORWARDED": forwarded if self.forwarded else ""}
            return [program, "-db", "-f", self._configuration("haproxy.cfg", names)]
        command = [program, str(port), str(backend)]
        if name in SPLICING:
            command.append("--splice")
        if answer is not None:
            command += ["--answer", str(answer)]
        return command

    def _nginx_names(self, connections):
        forwarded = (
            "proxy_set_header X-Forwarded-For $remote_addr;\n"
            "      proxy_set_header X-Forwarded-Proto $scheme;\n"
            "      proxy_set_header X-Forwarded-Host $http_host;\n"
            "      proxy_set_header X-Real-IP $remote_addr;\n"
            "      proxy_set_header X-Request-ID $request_id;")
        return {
            "FOLDER": self.folder,
            # Started by root, nginx would give its workers to an account that can't read here.
            "USER": "user root;" if os.geteuid() == 0 else "",
            "CONNECTIONS": connections,
            "FORWARDED": forwarded if self.forwarded else "",
        }

    def _configuration(self, name, names):
        with open(os.path.join(self.source, f"{name}.in"), encoding="utf-8") as template:
            text = template.read()
        for key, value in names.items():
            text = text.replace(f"@{key}@", str(value))
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
