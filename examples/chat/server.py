#!/usr/bin/env python3
"""A chat: what one person writes, everybody reads, whichever server they are connected to.

usage: server.py PORT [PORT OF ANOTHER SERVER]...

/         the page
/health   200 while this server can take people, for rsp's health checks
/chat     the WebSocket of a person
/link     the WebSocket of another server, which passes on what its people wrote
"""

import asyncio
import http
import json
import pathlib
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import WebSocketException

PAGE = pathlib.Path(__file__).with_name("index.html").read_text()

people = set()  # connections of this server's people
links = set()  # connections to the other servers


def answer(connection, request):
    """Answers what is plain HTTP; None lets the WebSocket begin."""
    if request.path == "/health":
        return connection.respond(http.HTTPStatus.OK, "ok\n")
    if request.path == "/":
        response = connection.respond(http.HTTPStatus.OK, PAGE)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        return response
    if request.path not in ("/chat", "/link"):
        return connection.respond(http.HTTPStatus.NOT_FOUND, "There is no such page.\n")
    return None


async def converse(connection):
    if connection.request.path == "/link":
        async for message in connection:
            broadcast(people, message)
        return
    people.add(connection)
    try:
        await connection.send(json.dumps({"server": sys.argv[1]}))
        async for message in connection:
            broadcast(people | links, message)
    finally:
        people.discard(connection)


async def link(port):
    """Stays connected to another server, however often one of the two is started again."""
    while True:
        try:
            async with connect(f"ws://127.0.0.1:{port}/link") as connection:
                links.add(connection)
                print(f"linked to {port}", flush=True)
                await connection.wait_closed()
                links.discard(connection)
        except (OSError, WebSocketException):
            pass  # it is not there, or not yet
        await asyncio.sleep(0.5)


async def main():
    port, *others = map(int, sys.argv[1:])
    async with serve(converse, "127.0.0.1", port, process_request=answer):
        print(f"http://127.0.0.1:{port}/", flush=True)
        await asyncio.gather(*map(link, others), asyncio.Event().wait())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
