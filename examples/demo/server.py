#!/usr/bin/env python3
"""A small web server to put rsp in front of; Python's standard library only.

usage: server.py [PORT]      0, the default, takes a free one. Prints the port, then serves.

/         a page that shows the request as it arrived here
/slow     an answer after two seconds
/chunked  an answer in ten pieces, one every 200 ms
"""

import html
import http.server
import signal
import sys
import time

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Behind rsp</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
  h1 {{ font-weight: 600 }}
  table {{ border-collapse: collapse; width: 100% }}
  td {{ border-top: 1px solid #ddd; padding: .3rem 1rem .3rem 0; vertical-align: top }}
  td:first-child {{ white-space: nowrap; color: #666 }}
  code {{ background: #f3f3f3; padding: .1rem .3rem }}
</style>
<h1>It works.</h1>
<p>This page comes from a server behind rsp. The request reached it like this:</p>
<p><code>{line}</code></p>
<table>
{fields}
</table>
<p>Try also <a href="/slow">/slow</a> and <a href="/chunked">/chunked</a>.</p>
</html>
"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo"
    # Head and body leave together rather than wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/":
            self.answer(self.page(), "text/html; charset=utf-8")
        elif path == "/slow":
            time.sleep(2)
            self.answer("That took two seconds.\n")
        elif path == "/chunked":
            self.answer_in_pieces(f"piece {number} of 10\n" for number in range(1, 11))
        else:
            self.answer(f"There is no {path} here.\n", status=404)

    do_HEAD = do_GET

    def page(self):
        fields = "\n".join(
            f"<tr><td>{html.escape(name)}<td>{html.escape(value)}"
            for name, value in self.headers.items()
        )
        return PAGE.format(line=html.escape(self.requestline), fields=fields)

    def answer(self, text, kind="text/plain; charset=utf-8", status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_in_pieces(self, pieces):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece.encode()))
            self.wfile.flush()
            time.sleep(0.2)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that left is no error worth a traceback


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with Server(("127.0.0.1", port), Handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        print(server.server_port, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
