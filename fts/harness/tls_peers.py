"""TLS peers made with Python's ssl: servers with certificates of their own, and what clients send."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

NAME = "secure.example.org"


def make_certificate(folder, name):
    """A self-signed certificate and its key for one host, as a path of a PEM file with both."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    file = folder / f"{name.replace('*', 'any')}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        + ["-keyout", f"{file}.key", "-out", f"{file}.crt"],
        check=True,
        capture_output=True,
    )
    file.write_text(open(f"{file}.key").read() + open(f"{file}.crt").read())
    return file


class TLSServer:
    """Answers the first line of each connection with `answer: line`; behind a PROXY header, if it is
    told so. `headers` holds those headers as they came, `names` the names that clients asked for."""

    def __init__(self, certificate, answer="hello", reads_header=False):
        self.answer, self._reads_header = answer.encode(), reads_header
        self.headers, self.names, self.failures = [], [], []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.set_alpn_protocols(["http/1.1"])
        self._context.sni_callback = lambda _, name, __: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(30)
        try:
            if self._reads_header:
                self.headers.append(read_proxy_header(connection))
            with self._context.wrap_socket(connection, server_side=True) as stream:
                request = b""
                while data := stream.recv(65536):
                    request += data
                    if request.endswith(b"\n"):
                        line = request.split(b"\n")[0].strip()
                        body = self.answer + b": " + line + b"\n"
                        if b"HTTP/1.1" in line:
                            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
                            body = head + body
                        stream.sendall(body)
                        request = b""
        except (OSError, ssl.SSLError) as error:
            self.failures.append(error)

    def stop(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_proxy_header(connection):
    """A PROXY header of either version, to its last byte and no further."""
    data = b""
    while True:
        byte = connection.recv(1)
        if not byte:
            return data
        data += byte
        if data.startswith(b"PROXY ") and data.endswith(b"\r\n"):
            return data
        if data.startswith(b"\r\n\r\n\0") and len(data) >= 16:
            if len(data) == 16 + int.from_bytes(data[14:16], "big"):
                return data


def values(header):
    """The values behind the addresses of a PROXY header of version 2, by their types."""
    assert header[:12] == b"\r\n\r\n\0\r\nQUIT\n", header
    rest = header[16 + {0x00: 0, 0x11: 12, 0x21: 36}[header[13]] :]
    found = {}
    while rest:
        size = int.from_bytes(rest[1:3], "big")
        found[rest[0]] = rest[3 : 3 + size]
        rest = rest[3 + size :]
    return found


def client_hello(name=NAME, alpn=()):
    """What a TLS client sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def cut_into_records(hello, size):
    """The same message in records of `size` bytes."""
    message = hello[5:]
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


def connect(port, name=NAME, certificate=None, alpn=(), before=b""):
    """A TLS client through `port` that sends `before` in the clear; verifies if it can."""
    context = ssl.create_default_context(cafile=certificate)
    if certificate is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    if before:
        connection.sendall(before)
    return context.wrap_socket(connection, server_hostname=name)


def ask(stream, line=b"hi\n"):
    stream.sendall(line)
    return stream.recv(65536)
