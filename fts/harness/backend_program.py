"""The program of harness/backend.py: a web server that names itself, in a process of its own.

usage: backend_program.py NAME PORT

Every answer is its name and a line end. What is special about a request stands in its target:

    /health       the status that was last set by `health N`, at first 200
    /status/N     that status
    /after/S      the answer comes after S seconds
    /echo         the request's head, as it came

A WebSocket at any target is greeted with the name, then gets back what it sends. What happens is
told on standard output, a line each: `ready`, `+` and `-` for connections that come and go, and the
first line of every request. Standard input takes orders: `delay S`, `health N`.
"""

import asyncio
import os
import signal
import socket
import sys

from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

delay, health = 0.0, 200


def tell(line):
    os.write(1, f"{line}\n".encode())


class Connection(asyncio.Protocol):
    def __init__(self, name):
        self.name, self.unread, self.websocket, self.busy = name, b"", None, False

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tell("+")

    def connection_lost(self, _):
        tell("-")

    def eof_received(self):
        return False

    def data_received(self, data):
        if self.websocket:
            return self.talk(data)
        self.unread += data
        if not self.busy:
            self.take_request()

    def take_request(self):
        head, end, rest = self.unread.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(":", 1) for line in lines[1:])
        length = int(fields.get("content-length", 0))
        if fields.get("transfer-encoding", "").strip() == "chunked":
            length = rest.find(b"0\r\n\r\n") + 5
            if length < 5:
                return
        if len(rest) < length:
            return
        tell(lines[0])
        if fields.get("upgrade", "").strip() == "websocket":
            return self.upgrade()
        self.unread = rest[length:]
        self.busy = True
        self.closing = "close" in fields.get("connection", "")
        target = lines[0].split(" ")[1]
        wait = float(target[7:]) if target.startswith("/after/") else delay
        if wait and target != "/health":
            asyncio.get_running_loop().call_later(wait, self.answer, lines, head)
        else:
            self.answer(lines, head)

    def answer(self, lines, head):
        method, target, _ = lines[0].split(" ")
        status = health if target == "/health" else 200
        if target.startswith("/status/"):
            status = int(target[8:])
        body = head + b"\r\n" if target == "/echo" else f"{self.name}\n".encode()
        answer = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.transport.write(answer if method == "HEAD" else answer + body)
        self.busy = False
        if self.closing:
            self.transport.close()
        else:
            self.take_request()

    # WebSockets

    def upgrade(self):
        self.websocket = ServerProtocol(max_size=None)
        self.talk(self.unread)

    def talk(self, data):
        websocket = self.websocket
        websocket.receive_data(data)
        for event in websocket.events_received():
            if isinstance(event, Request):
                websocket.send_response(websocket.accept(event))
                websocket.send_text(self.name.encode())
            elif event.opcode is Opcode.TEXT:
                websocket.send_text(event.data)
            elif event.opcode is Opcode.BINARY:
                websocket.send_binary(event.data)
        for piece in websocket.data_to_send():
            if piece:
                self.transport.write(piece)
            else:
                self.transport.close()


def obey():
    global delay, health
    line = os.read(0, 4096)
    if not line:
        os._exit(0)
    for order in line.decode().splitlines():
        what, value = order.split(" ")
        if what == "delay":
            delay = float(value)
        elif what == "health":
            health = int(value)
        tell(f"done {order}")


async def main():
    name, port = sys.argv[1], int(sys.argv[2])
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Connection(name), "127.0.0.1", port, backlog=1024)
    loop.add_reader(0, obey)
    tell("ready")
    await loop.create_future()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main())
