"""examples/chat, as people use it: browsers, chat servers, rsp between them."""

import json
import socket
import subprocess
import sys

import pytest
from websockets.sync.client import connect

from harness.browser import Browser
from harness.browser import path as browser_path
from harness.examples import FOLDER, placed
from harness.messages import request
from harness.ports import free_port

CHAT = FOLDER / "chat"
HOSTS = ("chat.localhost", "talk.localhost")


class ChatServer:
    def __init__(self, port, other):
        self.port, self.address = port, f"127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, CHAT / "server.py", str(port), str(other)], stdout=subprocess.PIPE
        )
        assert self._process.stdout.readline() == b"http://127.0.0.1:%d/\n" % port

    def stop(self):
        self._process.kill()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture
def chat(rsp, peers):
    """rsp with the configuration of the example before two chat servers: (rsp, servers by port)."""
    ports = [free_port(), free_port()]
    servers = {str(port): ChatServer(port, other) for port, other in zip(ports, ports[::-1])}
    for server in servers.values():
        peers.callback(server.stop)
    port = free_port()
    # Each worker counts for itself; with one of them the counts are exact.
    text = "workers(1)\n" + placed(CHAT / "rsp.lua", port, {9001: ports[0], 9002: ports[1]})
    return rsp(text=text, port=port), servers


@pytest.fixture
def browsers(peers, tmp_path):
    if not browser_path():
        pytest.skip("Chromium is not installed")
    pair = []
    for name in ("first", "second"):
        browser = Browser(tmp_path / name)
        peers.callback(browser.stop)
        pair.append(browser)
    return pair


CONNECTED = "document.querySelector('#state').textContent.startsWith('connected to server')"


def said(name, text):
    """An expression: whether the page shows that `name` said `text`."""
    wanted = json.dumps(name + text)
    return f"[...document.querySelectorAll('#messages li')].some(i => i.textContent == {wanted})"


def server_of(browser):
    browser.wait_for(CONNECTED)
    return browser.evaluate("document.querySelector('#state').textContent").split()[-1]


def test_two_browsers_chat_under_two_names_and_when_a_server_dies(chat, browsers):
    proxy, servers = chat
    for browser, host in zip(browsers, HOSTS):
        browser.open(f"http://{host}:{proxy.port}/")
        browser.wait_for(CONNECTED)
    # Fewest connections: each of the two servers has one of the two people.
    assert {server_of(browser) for browser in browsers} == set(servers)

    first, second = browsers
    first.type("#name", "Ada")
    first.type("#text", "hello, <b>Grace</b>\n")
    second.type("#name", "Grace")
    for browser in browsers:
        browser.wait_for(said("Ada", "hello, <b>Grace</b>"))
    second.type("#text", "hello, Ada\n")
    for browser in browsers:
        browser.wait_for(said("Grace", "hello, Ada"))

    dead = server_of(first)
    servers[dead].stop()
    first.wait_for(f"{CONNECTED} && !document.querySelector('#state').textContent.includes({dead})")
    first.type("#text", "that was quick\n")
    for browser in browsers:
        browser.wait_for(said("Ada", "that was quick"))


def test_people_are_spread_over_the_servers_and_hear_each_other(chat, peers):
    proxy, servers = chat
    people, counts = [], dict.fromkeys(servers, 0)
    for number in range(20):
        sock = socket.create_connection(("127.0.0.1", proxy.port))
        websocket = peers.enter_context(connect(f"ws://{HOSTS[number % 2]}/chat", sock=sock))
        counts[json.loads(websocket.recv(timeout=10))["server"]] += 1
        people.append(websocket)
    assert set(counts.values()) == {10}
    people[0].send('{"name": "a", "text": "b"}')
    for websocket in people:
        assert json.loads(websocket.recv(timeout=10)) == {"name": "a", "text": "b"}


def test_a_stranger_is_shown_the_way(chat):
    proxy, _ = chat
    answer = proxy.exchange(request(host="elsewhere.example"))
    assert (answer.status, answer.get(b"Location")) == (302, b"http://chat.localhost:8000/")
