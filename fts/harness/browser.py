"""Chromium without a window, driven through its DevTools protocol, which is JSON on a WebSocket."""

import itertools
import json
import shutil
import subprocess
import urllib.request

from websockets.sync.client import connect

from .waiting import wait_until

# A browser takes a while to start on a machine that does other things too.
START_SECONDS = 40


def path():
    return shutil.which("chromium")


class Browser:
    """A browser with a profile of its own, in `folder`, and one page."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            [
                path(),
                "--headless",
                "--no-sandbox",  # it refuses to run as root with one
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
                "--no-proxy-server",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        told = folder / "DevToolsActivePort"

        def listening():
            assert self._process.poll() is None, "the browser ended at its start"
            return told.exists() and told.read_text().count("\n") == 1

        wait_until(listening, "the browser to start", START_SECONDS)
        port = told.read_text().split("\n")[0]
        self._numbers = itertools.count(1)
        wait_until(lambda: self._page_of(port), "the browser to have a page", START_SECONDS)
        self._socket = connect(self._page_of(port), max_size=None)

    @staticmethod
    def _page_of(port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=20) as answer:
            targets = json.load(answer)
        pages = [t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page"]
        return pages[0] if pages else None

    def _call(self, method, **parameters):
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=20))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def open(self, url):
        result = self._call("Page.navigate", url=url)
        assert not result.get("errorText"), result

    def evaluate(self, script):
        """The value of a JavaScript expression in the page, which must be one of JSON's."""
        result = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script):
        """Waits until the expression is true; fails the test with what the page says."""
        try:
            wait_until(lambda: self.evaluate(script), script, 20)
        except AssertionError as error:
            page = self.evaluate("document.documentElement.innerText")
            raise AssertionError(f"{error}; the page: {page!r}") from None

    def type(self, selector, text):
        """Types into an input as a person does; a line end is the Enter key."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        for part in text.splitlines(keepends=True):
            self._call("Input.insertText", text=part.rstrip("\n"))
            if part.endswith("\n"):
                key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
                self._call("Input.dispatchKeyEvent", type="keyDown", **key)
                self._call("Input.dispatchKeyEvent", type="keyUp", **key)

    def stop(self):
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
