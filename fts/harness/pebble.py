"""Pebble, the test server of Let's Encrypt, as an authority of certificates (Debian: pebble)."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.request

from .ports import free_port
from .waiting import wait_until


def path():
    return shutil.which("pebble")


def make_certificate(folder, name="localhost"):
    """A certificate for the authority's own host, which is its own authority."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-keyout", key, "-out", certificate, "-days", "30", "-subj", f"/CN={name}"]
        + ["-addext", f"subjectAltName=DNS:{name}"],
        check=True,
        capture_output=True,
    )
    return certificate, key


class Pebble:
    """An authority that looks at `http_port` and `tls_port` of the addresses that `dns` gives.

    Its certificates are good for `validity` seconds; it rejects `bad_nonces` percent of good nonces.
    """

    def __init__(self, folder, dns, http_port=1, tls_port=1, validity=None, bad_nonces=0):
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self._management = free_port(), free_port()
        self.directory = f"https://localhost:{self.port}/dir"
        self.ca, key = make_certificate(folder)
        options = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self.ca),
            "privateKey": str(key),
            "httpPort": http_port,
            "tlsPort": tls_port,
        }
        if validity:
            options["certificateValidityPeriod"] = validity
        self._file = folder / "pebble.json"
        self._file.write_text(json.dumps({"pebble": options}))
        self._dns = dns
        self._environment = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": str(bad_nonces),
            "PEBBLE_AUTHZREUSE": "0",
        }
        self._process, self.log = None, []
        self.start()

    def start(self):
        command = [path(), "-config", self._file, "-dnsserver", self._dns.address]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=[self._process.stdout], daemon=True).start()
        wait_until(lambda: self._listens(self.port), "pebble to listen")
        wait_until(lambda: self._listens(self._management), "pebble's management to listen")

    def _read(self, stream):
        for line in stream:
            self.log.append(line.rstrip("\n"))

    @staticmethod
    def _listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def count(self, text):
        """In how many lines of its log a text stands."""
        return sum(text in line for line in list(self.log))

    @property
    def orders(self):
        return self.count("POST /order-plz -> calling handler")

    def root(self, file):
        """Writes the certificate of the root that it signs with."""
        context = ssl.create_default_context(cafile=self.ca)
        url = f"https://localhost:{self._management}/roots/0"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            file.write_bytes(answer.read())
        return file

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
