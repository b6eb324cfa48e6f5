"""Programs that people use: curl, http.client and requests in front, nginx behind."""

import concurrent.futures
import gzip
import hashlib
import http.client
import http.server
import io
import random
import shutil
import subprocess
import threading

import pytest
import requests

from harness.ports import free_port

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
SIZES = [0, 1, 4095, 4096, 65536, 1_000_000, 30_000_000]


def noise(size):
    return random.Random(size).randbytes(size)


def curl(*arguments, data=None):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    command = ["curl", "--silent", "--show-error", "--max-time", "30", *map(str, arguments)]
    result = subprocess.run(command, input=data, capture_output=True, timeout=40)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def site(rsp, nginx):
    """rsp in front of nginx: (base address, folder of files)."""
    proxy = rsp(nginx, workers=2)
    yield f"http://127.0.0.1:{proxy.port}", nginx.files
    assert proxy.is_running


@pytest.mark.parametrize("size", SIZES)
def test_curl_gets_files_of_nginx_whole(site, size):
    base, files = site
    (files / "file").write_bytes(noise(size))
    assert curl(f"{base}/file") == noise(size)
    assert curl("--http1.0", f"{base}/file") == noise(size)


@pytest.mark.parametrize("size", SIZES)
def test_curl_puts_files_whole(site, size):
    base, files = site
    for name, fields in [("length", []), ("chunked", ["-H", "Transfer-Encoding: chunked"])]:
        curl(
            "--fail",
            "-X",
            "PUT",
            "--data-binary",
            "@-",
            *fields,
            f"{base}/upload/{name}",
            data=noise(size),
        )
        assert (files / "upload" / name).read_bytes() == noise(size)


def test_curl_waits_for_continue_before_a_large_upload(site):
    base, files = site
    arguments = [
        "-X",
        "PUT",
        "--data-binary",
        "@-",
        "-H",
        "Expect: 100-continue",
        "-v",
        "--stderr",
        "-",
    ]
    talk = curl(*arguments, f"{base}/upload/expected", data=noise(3_000_000))
    assert b"HTTP/1.1 100 Continue" in talk
    assert (files / "upload" / "expected").read_bytes() == noise(3_000_000)


def test_curl_reads_headers_only(site):
    base, files = site
    (files / "file").write_bytes(noise(1000))
    head = curl("--head", f"{base}/file")
    assert b"HTTP/1.1 200 OK" in head and b"Content-Length: 1000" in head


def test_ranges_pass(site):
    base, files = site
    (files / "file").write_bytes(noise(1_000_000))
    plain = {"Accept-Encoding": "identity"}
    answer = requests.get(
        f"{base}/file", headers={"Range": "bytes=500000-599999", **plain}, timeout=20
    )
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == "bytes 500000-599999/1000000"
    assert answer.content == noise(1_000_000)[500_000:600_000]
    several = requests.get(
        f"{base}/file", headers={"Range": "bytes=0-9,20-29", **plain}, timeout=20
    )
    assert several.status_code == 206
    assert noise(1_000_000)[20:30] in several.content


def test_conditional_requests_pass(site):
    base, files = site
    (files / "file").write_bytes(b"content")
    with requests.Session() as session:
        first = session.get(f"{base}/file", timeout=20)
        second = session.get(
            f"{base}/file", headers={"If-None-Match": first.headers["ETag"]}, timeout=20
        )
        assert (second.status_code, second.content) == (304, b"")
        assert session.get(f"{base}/file", timeout=20).content == b"content"


def test_compressed_responses_pass_as_they_are(site):
    base, files = site
    (files / "page.html").write_bytes(b"hello world " * 100_000)
    with requests.get(f"{base}/page.html", stream=True, timeout=20) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = answer.raw.read(decode_content=False)
    assert gzip.GzipFile(fileobj=io.BytesIO(packed)).read() == b"hello world " * 100_000


def test_errors_of_the_server_pass(site):
    base, _ = site
    answer = requests.get(f"{base}/absent", timeout=20)
    assert answer.status_code == 404
    assert "nginx" in answer.text


def test_http_client_keeps_its_connection_over_all_methods(site):
    base, files = site
    host = base.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.connect()
    socket = connection.sock
    for turn in range(50):
        name, body = f"/upload/{turn}", noise(turn * 1000 + 1)
        for method, sent, status in [
            ("PUT", body, 201),
            ("GET", None, 200),
            ("HEAD", None, 200),
            ("DELETE", None, 204),
        ]:
            connection.request(method, name, body=sent)
            answer = connection.getresponse()
            assert answer.status == status
            assert answer.read() == (body if method == "GET" else b"")
    assert connection.sock is socket
    connection.close()


def test_many_downloads_at_once_are_whole(site):
    base, files = site
    (files / "file").write_bytes(noise(5_000_000))
    wanted = hashlib.sha256(noise(5_000_000)).digest()

    def fetch(_):
        return hashlib.sha256(requests.get(f"{base}/file", timeout=60).content).digest()

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(fetch, range(40))) == {wanted}


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_the_server_of_the_standard_library_is_served(rsp, tmp_path, version):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "file").write_bytes(noise(300_000))

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = version

        def __init__(self, *arguments):
            super().__init__(*arguments, directory=tmp_path / "files")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = rsp("127.0.0.1:%d" % server.server_port)
        for _ in range(20):
            assert requests.get(f"http://127.0.0.1:{proxy.port}/file", timeout=20).content == noise(
                300_000
            )
        server.shutdown()
