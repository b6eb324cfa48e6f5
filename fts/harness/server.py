"""A server behind rsp whose every byte is scripted by a Python function."""

import contextlib
import os
import socket
import threading
import traceback

from . import messages
from .waiting import wait_until
from .wire import Closed, Reset, Wire


class ServerConnection(Wire):
    """What a script gets: `number` counts the connections of the server from 0."""

    def __init__(self, sock, server, number):
        super().__init__(sock)
        self.server, self.number = server, number
        # A pooled connection may well wait longer than any client of a test.
        sock.settimeout(80)

    def read_request_head(self):
        return messages.Request(self.read_head())

    def read_request(self):
        """A whole request, also kept in `server.requests`; None when the peer closed instead."""
        if not self.unread and not self._receive():
            return None
        head = self.read_request_head()
        if head.is_chunked:
            request = messages.Request(head.raw, *self.read_chunked()[:2])
        else:
            request = messages.Request(head.raw, self.read_exactly(head.length or 0))
        self.server.requests.append(request)
        return request


class ScriptedServer:
    """Runs `script(connection)` in a thread for every connection it accepts, and closes the
    connection when the script returns. An exception in a script fails the test at `stop`,
    except for `Closed` and `Reset` (a proxy may go away whenever it likes) unless `strict`."""

    def __init__(self, script, address=None, family=socket.AF_INET, strict=False):
        self.script, self.strict = script, strict
        self.connections, self.requests, self.failures = [], [], []
        self._threads = []
        self._stopping = False
        if isinstance(address, str):
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(address)
            self.port, self.address = None, f"unix:{address}"
        else:
            host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
            self._listener = socket.socket(family)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, address or 0))
            self.port = self._listener.getsockname()[1]
            self.address = f"[::1]:{self.port}" if ":" in host else f"127.0.0.1:{self.port}"
        self._listener.listen(512)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping:
                sock.close()
                return
            connection = ServerConnection(sock, self, len(self.connections))
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            self.connections.append(connection)
            thread.start()

    def _serve(self, connection):
        try:
            self.script(connection)
        except (Closed, Reset, BrokenPipeError, ConnectionResetError):
            if self.strict:
                self.failures.append(traceback.format_exc())
        except Exception:
            if not self._stopping:
                self.failures.append(traceback.format_exc())
        finally:
            # A reset that waits in the queue must not be turned into an orderly end by us.
            connection.close()

    @property
    def received(self):
        """All bytes of all connections, in the order of the connections."""
        return b"".join(bytes(connection.received) for connection in self.connections)

    def wait_for_connections(self, count):
        wait_until(lambda: len(self.connections) >= count, f"{count} connections to the server")
        return self.connections[count - 1]

    def wait_for_requests(self, count):
        wait_until(lambda: len(self.requests) >= count, f"{count} requests to the server")
        return self.requests[count - 1]

    def stop_listening(self):
        """From now on connections are refused; those that exist go on."""
        self._stopping = True
        # Closing alone would not wake the thread that waits in accept.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._acceptor.join(5)
        self._listener.close()

    def stop(self):
        self.stop_listening()
        for connection in self.connections:
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(5)
        if self.address.startswith("unix:"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.address[5:])
        assert not self.failures, "a server script failed:\n" + "\n".join(self.failures)


def always(*answers):
    """A script: reads whole requests and sends the answers in turn, then the last for ever."""

    def script(connection):
        count = 0
        while connection.read_request() is not None:
            connection.send(answers[min(count, len(answers) - 1)])
            count += 1

    return script


def once(*pieces):
    """A script: reads one request, sends the pieces, and closes."""

    def script(connection):
        if connection.read_request() is not None:
            connection.send(*pieces)

    return script
