"""A client of rsp that sends and expects exact bytes."""

import socket

from .messages import Response
from .wire import Wire


class RawClient(Wire):
    """Connects to a port of 127.0.0.1, or to the path of a Unix socket."""

    def __init__(self, address, host="127.0.0.1", receive_buffer=None, send_buffer=None):
        if isinstance(address, str):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            target = address
        else:
            sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            target = (host, address)
        # The receive buffer fixes the window that is offered, so it comes before connect.
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        sock.settimeout(10)
        sock.connect(target)
        super().__init__(sock)

    def read_response(self, method="GET"):
        """A whole response to `method`, interim ones included (they have no body)."""
        head = Response(self.read_head())
        if method == "HEAD" or head.status < 200 or head.status in (204, 304):
            return head
        if head.is_chunked:
            assert b"Content-Length" not in head, f"two framings: {head.raw!r}"
            return Response(head.raw, *self.read_chunked())
        if head.length is not None:
            return Response(head.raw, self.read_exactly(head.length))
        return Response(head.raw, self.read_to_end())

    def exchange(self, data, method="GET"):
        self.send(data)
        return self.read_response(method)
