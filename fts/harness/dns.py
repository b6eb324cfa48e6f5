"""A DNS server by UDP and TCP whose records are changed while it runs (RFC 1035, RFC 2782)."""

import ipaddress
import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33


class DNSServer:
    """`set(name, ...)` says what a name is from now on, `remove(name)` that there is none.

    `fail()` answers everything with SERVFAIL, `be_silent()` nothing at all; `recover()` ends both.
    `be_silent_about(name, ...)` leaves questions for these names without an answer for good.
    `questions` holds (name, type) of all that was asked.
    """

    def __init__(self):
        self._records, self._state, self.questions = {}, "well", []
        self._secrets = set()
        self._udp, self._tcp = self._sockets()
        self.port = self._udp.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def _sockets():
        while True:
            tcp = socket.create_server(("127.0.0.1", 0))
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind(tcp.getsockname())
                return udp, tcp
            except OSError:
                udp.close()
                tcp.close()

    # What a test says

    def set(self, name, *addresses, services=(), ttl=0):
        """Services are (priority, weight, port, target)."""
        records = []
        for address in map(ipaddress.ip_address, addresses):
            records.append((A if address.version == 4 else AAAA, address.packed))
        for priority, weight, port, target in services:
            records.append((SRV, struct.pack("!HHH", priority, weight, port) + encode(target)))
        self._records[name] = (ttl, records)

    def remove(self, name):
        del self._records[name]

    def fail(self):
        self._state = "failing"

    def be_silent(self):
        self._state = "silent"

    def be_silent_about(self, *names):
        self._secrets.update(names)

    def recover(self):
        self._state = "well"

    def count(self, name):
        return sum(question == name for question, _ in list(self.questions))

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()

    # What it answers

    def _serve_udp(self):
        while True:
            query, client = self._udp.recvfrom(4096)
            if not query:
                return self._udp.close()
            answer = self._answer(query)
            if answer and len(answer) > 512:
                answer = answer[:2] + b"\x83" + answer[3:6] + b"\0" * 6 + self._question(query)
            if answer:
                self._udp.sendto(answer, client)

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(2):
                    answer = self._answer(stream.read(struct.unpack("!H", head)[0]))
                    if answer:
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    @staticmethod
    def _question(query):
        return query[12 : query.index(0, 12) + 5]

    def _answer(self, query):
        question = self._question(query)
        name, kind = decode(question), struct.unpack("!H", question[-4:-2])[0]
        self.questions.append((name, kind))
        if self._state == "silent" or name in self._secrets:
            return None
        code, records = 0, []
        if self._state == "failing":
            code = 2
        elif name not in self._records:
            code = 3
        else:
            ttl, known = self._records[name]
            for type_, data in known:
                if type_ == kind:
                    records.append(struct.pack("!HHHIH", 0xC00C, type_, 1, ttl, len(data)) + data)
        head = query[:2] + struct.pack("!BBHHHH", 0x81, 0x80 | code, 1, len(records), 0, 0)
        return head + question + b"".join(records)


def encode(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def decode(question):
    labels, at = [], 0
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode().lower())
        at += length + 1
    return ".".join(labels)
