"""nginx as a real server behind rsp, from a folder of its own and without privileges."""

import shutil
import signal
import socket
import subprocess

from .ports import free_port
from .waiting import wait_until

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  gzip on;
  gzip_min_length 1;
  gzip_types *;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder}/files;
    location = /hello {{ return 200 "hello\\n"; }}
    location /upload/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
    location / {{ }}
  }}
  server {{
    listen 127.0.0.1:{proxied} proxy_protocol;
    location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_port"; }}
  }}
}}
"""


def path():
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


class Nginx:
    def __init__(self, folder):
        self.folder, self.files, self.port = folder, folder / "files", free_port()
        self.address = f"127.0.0.1:{self.port}"
        # Expects a PROXY header, and answers what that says.
        proxied = free_port()
        self.behind_proxies = f"127.0.0.1:{proxied}"
        self.files.mkdir(parents=True)
        text = CONFIGURATION.format(folder=folder, port=self.port, proxied=proxied)
        (folder / "nginx.conf").write_text(text)
        command = [path(), "-e", f"{folder}/error.log", "-p", folder, "-c", folder / "nginx.conf"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "nginx to listen")

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
