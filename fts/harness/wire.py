"""One end of a connection, read and written as exact bytes. Base of the scripted peers."""

import select
import socket
import struct
import time

from . import messages
from .waiting import PATIENCE


class Reset(AssertionError):
    """The peer reset the connection."""


class Closed(AssertionError):
    """The peer closed the connection before what was waited for had come."""


class Wire:
    """Everything received is kept in `received`; `_start` is where the unread part begins."""

    def __init__(self, sock):
        self.socket = sock
        self.received = bytearray()
        self._start = 0
        self.ended = None  # "eof" or "reset" once the peer is gone
        sock.settimeout(PATIENCE)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Sending

    def send(self, *pieces):
        """Each piece leaves in a send of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def send_in_pieces(self, data, size=1):
        for at in range(0, len(data), size):
            self.socket.sendall(data[at : at + size])

    def send_as_far_as_possible(self, data):
        """For a peer that may close in the middle: True when all of it went out."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    # Reading

    @property
    def unread(self):
        return bytes(self.received[self._start :])

    def _receive(self):
        """Reads what is there, waiting for it; False at the end of the stream."""
        if self.ended:
            return False
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            self.ended = "reset"
            return False
        except TimeoutError:
            raise AssertionError(f"nothing came; unread so far: {self.unread[-300:]!r}") from None
        if not data:
            self.ended = "eof"
            return False
        self.received += data
        return True

    def _take(self, count):
        data = bytes(self.received[self._start : self._start + count])
        self._start += count
        return data

    def _missing(self, what):
        kind = Reset if self.ended == "reset" else Closed
        return kind(f"{self.ended} while waiting for {what}; unread: {self.unread[-300:]!r}")

    def read_exactly(self, count):
        while len(self.received) - self._start < count:
            if not self._receive():
                raise self._missing(f"{count} bytes")
        return self._take(count)

    def read_until(self, mark):
        """Everything up to and with `mark`."""
        search = self._start
        while (at := self.received.find(mark, search)) < 0:
            search = max(self._start, len(self.received) - len(mark) + 1)
            if not self._receive():
                raise self._missing(repr(mark))
        return self._take(at + len(mark) - self._start)

    def read_head(self):
        return self.read_until(b"\r\n\r\n")

    def read_to_end(self):
        """All that is left, until the peer closes; fails when it resets."""
        while self._receive():
            pass
        if self.ended == "reset":
            raise self._missing("the end of the stream")
        return self._take(len(self.received) - self._start)

    def read_to_cut(self):
        """All that is left, until the peer closes or resets: either way of ending will do."""
        while self._receive():
            pass
        return self._take(len(self.received) - self._start)

    def read_chunked(self):
        """A chunked body: its data, its trailer section as fields, and its raw bytes."""
        begin, data = self._start, bytearray()
        while True:
            line = self.read_until(b"\r\n")[:-2]
            size = int(line, 16)
            if size == 0:
                break
            data += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n", "a chunk without its CRLF"
        trailers = []
        while (line := self.read_until(b"\r\n")[:-2]) != b"":
            trailers.append(messages.split_field(line))
        return bytes(data), trailers, bytes(self.received[begin : self._start])

    def wait_closed(self):
        """Waits for the peer's end and fails on any further byte."""
        while self._receive():
            pass
        assert self.unread == b"", f"unexpected bytes before the end: {self.unread[:300]!r}"
        return self.ended

    def is_silent_for(self, seconds):
        """The one place where time must pass: True when neither a byte nor an end comes."""
        if self.unread or self.ended:
            return False
        return not select.select([self.socket], [], [], seconds)[0]

    # Ending

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def drip(self, data, every, until_cut=False):
        """Sends byte after byte, `every` seconds; with `until_cut` stops when the peer ends."""
        for at in range(len(data)):
            if until_cut and select.select([self.socket], [], [], 0)[0]:
                return
            if not self.send_as_far_as_possible(data[at : at + 1]):
                return
            time.sleep(every)
