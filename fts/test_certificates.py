"""Certificates: where they are found, which one a client sees, and what happens when files change."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from harness.certificates import Authority
from harness.messages import response
from harness.ports import free_port
from harness.proxy import run
from harness.server import always
from harness.waiting import wait_until


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    return folder


def text(port, server, certificates, more=""):
    return f"""
    workers(2)
    listen {{ "127.0.0.1:{port}", certificates = {certificates} }}
    upstream "app" {{ "{server.address}" }}
    site "*" {{ ["/"] = proxy "app" }}
    {more}
    """


@pytest.fixture
def secured(rsp, serve, folder):
    """secured(certificates=..., more=...) -> a Proxy with TLS; by default those of `folder`."""

    def start(certificates=None, more="", **options):
        port = free_port()
        server = serve(always(response(b"hello")))
        certificates = certificates or json.dumps(str(folder))
        return rsp(text=text(port, server, certificates, more), port=port, **options)

    return start


@contextlib.contextmanager
def connected(proxy, name=None, authority=None, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers := options.get("ciphers"):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as plain:
        session = options.get("session")
        with context.wrap_socket(plain, server_hostname=name, session=session) as secure:
            yield secure


def shown(proxy, name=None, **options):
    """The certificate that a client sees, in DER."""
    with connected(proxy, name, **options) as client:
        return client.getpeercert(binary_form=True)


ASK = b"GET / HTTP/1.1\r\nHost: one.test\r\n\r\n"


def s_client(proxy, *arguments):
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port}", *arguments],
        input=b"", capture_output=True, timeout=20,
    )  # fmt: skip
    return (result.stdout + result.stderr).decode(errors="replace")


def put(text, path):
    """Replaces a file at once, as a careful program does."""
    new = f"{path}.tmp"
    with open(new, "w" if isinstance(text, str) else "wb") as file:
        file.write(text)
    os.rename(new, path)


def test_a_folder_of_pairs_single_files_and_certbots_folders(secured, authority, folder):
    one, two, three = (authority.issue(f"{name}.test") for name in ("one", "two", "three"))
    put(one.text, folder / "one.pem")
    shutil.copy(two.certificate, folder / "two.crt")
    shutil.copy(two.key, folder / "two.key")
    (folder / "three.test").mkdir()
    shutil.copy(three.certificate, folder / "three.test" / "fullchain.pem")
    shutil.copy(three.key, folder / "three.test" / "privkey.pem")
    proxy = secured()
    for issued, name in [(one, "one.test"), (two, "two.test"), (three, "three.test")]:
        assert shown(proxy, name) == issued.der
    with connected(proxy, "one.test") as client:
        client.sendall(ASK)
        assert b"200" in client.recv(4096)


def test_the_chain_is_sent(secured, authority, folder):
    put(authority.issue("one.test").text, folder / "one.pem")
    answer = s_client(
        secured(), "-servername", "one.test", "-CAfile", authority.certificate, "-showcerts"
    )
    assert answer.count("BEGIN CERTIFICATE") == 2
    assert "Verify return code: 0 (ok)" in answer


def test_an_exact_name_then_a_wildcard_of_one_label_then_the_first(secured, authority, folder):
    first = authority.issue("first.test")
    wildcard = authority.issue("*.wild.test")
    exact = authority.issue("www.wild.test")
    for index, issued in enumerate([first, wildcard, exact]):
        put(issued.text, folder / f"{index}.pem")
    proxy = secured()
    assert shown(proxy, "www.wild.test") == exact.der
    assert shown(proxy, "WWW.Wild.Test") == exact.der
    assert shown(proxy, "mail.wild.test") == wildcard.der
    assert shown(proxy) == first.der


def test_ecdsa_is_shown_to_clients_that_can_and_rsa_to_others(secured, authority, folder):
    rsa = authority.issue("both.test", kind="rsa")
    ecdsa = authority.issue("both.test")
    put(rsa.text, folder / "a.pem")
    put(ecdsa.text, folder / "b.pem")
    proxy = secured()
    assert shown(proxy, "both.test") == ecdsa.der
    answer = s_client(proxy, "-servername", "both.test", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256")
    assert "RSA-PSS" in answer and "ECDSA" not in answer.partition("Peer signature")[2]


def test_a_changed_file_is_shown_without_a_reload_and_drops_no_connection(
    secured, authority, folder
):
    old, new = (authority.issue("one.test") for _ in range(2))
    put(old.text, folder / "one.pem")
    proxy = secured()
    with connected(proxy, "one.test") as client:
        client.sendall(ASK)
        assert b"hello" in client.recv(4096)
        put(new.text, folder / "one.pem")
        wait_until(lambda: shown(proxy, "one.test") == new.der, "the new certificate")
        client.sendall(ASK)
        assert b"hello" in client.recv(4096)


def test_a_new_file_in_the_folder_is_found(secured, authority, folder):
    put(authority.issue("one.test").text, folder / "one.pem")
    proxy = secured()
    added = authority.issue("two.test")
    put(added.text, folder / "two.pem")
    wait_until(lambda: shown(proxy, "two.test") == added.der, "the new certificate")


def test_a_bad_file_is_reported_once_and_the_old_certificate_kept(secured, authority, folder):
    issued = authority.issue("one.test")
    put(issued.text, folder / "one.pem")
    proxy = secured()
    put("-----BEGIN CERTIFICATE-----\nbroken", folder / "one.pem")
    proxy.wait_for_log(r"one\.pem is not a valid PEM file.*stays in use")
    assert shown(proxy, "one.test") == issued.der
    assert proxy.command("reload").returncode == 0
    assert shown(proxy, "one.test") == issued.der
    status = proxy.ask({"command": "status"})
    assert "one.pem" in status["certificate_problems"][0]
    assert len(proxy.logged("not a valid PEM")) == 1


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda one, other, folder: put(one.text, folder / "other"), "holds no certificate"),
        (
            lambda one, other, folder: (
                shutil.copy(one.certificate, folder / "a.crt"),
                shutil.copy(other.key, folder / "a.key"),
            ),
            "a.key holds a private key that is not the one of",
        ),
        (
            lambda one, other, folder: shutil.copy(one.certificate, folder / "a.crt"),
            "a.crt has no private key",
        ),
    ],
    ids=["nothing", "mismatch", "no key"],
)
def test_what_cannot_be_shown_stops_the_start_and_check(
    serve, authority, folder, tmp_path, spoil, words
):
    spoil(authority.issue("one.test"), authority.issue("two.test"), folder)
    file = tmp_path / "rsp.lua"
    server = serve(always(response()))
    file.write_text(text(free_port(), server, json.dumps(str(folder))))
    for command in ("check", "run"):
        result = run(command, file)
        assert result.returncode == 1
        assert words in result.stdout


def test_a_reload_with_a_missing_file_changes_nothing(secured, authority, folder):
    issued = authority.issue("one.test")
    put(issued.text, folder / "one.pem")
    proxy = secured()
    config = open(proxy.file).read()
    open(proxy.file, "w").write(config.replace(str(folder), f"{folder}/missing.pem"))
    result = proxy.command("reload")
    assert result.returncode == 1
    assert "missing.pem cannot be read: No such file" in result.stdout
    assert shown(proxy, "one.test") == issued.der


def test_a_pair_is_named_by_its_files(secured, authority):
    issued = authority.issue("one.test")
    pair = f'{{ cert = "{issued.certificate}", key = "{issued.key}" }}'
    assert shown(secured(pair), "one.test") == issued.der


def test_a_key_with_a_passphrase_is_named_and_not_shown(authority, serve, folder, tmp_path):
    issued = authority.issue("one.test")
    shutil.copy(issued.certificate, folder / "a.crt")
    locked = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", issued.key, "-passout", "pass:x"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    put(locked, folder / "a.key")
    file = tmp_path / "rsp.lua"
    file.write_text(text(free_port(), serve(always(response())), json.dumps(str(folder))))
    result = run("check", file)
    assert result.returncode == 1
    assert "a.key holds a private key with a passphrase" in result.stdout
    assert locked.decode().split("\n")[1] not in result.stdout


def test_expiry_is_in_the_status_and_in_the_log(secured, authority, folder):
    put(authority.issue("gone.test", days=0).text, folder / "c.pem")
    end = time.time() + 1
    put(authority.issue("late.test", days=90).text, folder / "a.pem")
    put(authority.issue("soon.test", days=5).text, folder / "b.pem")
    wait_until(lambda: time.time() > end, "the end of a certificate's second")
    proxy = secured()
    proxy.wait_for_log(r"warning: certificate: .*b\.pem \(soon\.test\) expires in [45] days")
    proxy.wait_for_log(r"error: certificate: .*c\.pem \(gone\.test\) has expired")
    assert not proxy.logged("late.test")
    status = proxy.ask({"command": "status"})
    told = {entry["names"][0]: entry for entry in status["certificates"]}
    assert [entry["names"][0] for entry in status["certificates"]] == [
        "gone.test", "soon.test", "late.test",
    ]  # fmt: skip
    assert told["gone.test"]["expired"] and told["soon.test"]["days_left"] in (4, 5)
    assert told["late.test"]["source"] == str(folder / "a.pem")
    table = proxy.command("status").stdout
    assert "CERTIFICATE" in table and "expired" in table and "late.test" in table


def test_an_ocsp_response_beside_the_file_is_stapled(secured, authority, folder):
    issued = authority.issue("one.test")
    put(issued.text, folder / "one.pem")
    put(authority.ocsp_response(issued), folder / "one.pem.ocsp")
    answer = s_client(secured(), "-servername", "one.test", "-status")
    assert "OCSP Response Status: successful" in answer
    assert "Cert Status: good" in answer


@pytest.mark.parametrize("what", ["garbage", "foreign", "revoked", "stranger"])
def test_a_wrong_ocsp_response_is_reported_and_not_sent(
    secured, authority, folder, tmp_path, what
):
    issued, other = authority.issue("one.test"), authority.issue("two.test")
    put(issued.text, folder / "one.pem")
    stranger = Authority(tmp_path / "stranger")
    made = {
        "garbage": lambda: b"garbage",
        "foreign": lambda: authority.ocsp_response(other),
        "revoked": lambda: authority.ocsp_response(issued, revoked=True),
        "stranger": lambda: stranger.ocsp_response(stranger.issue("one.test")),
    }[what]()
    put(made, folder / "one.pem.ocsp")
    proxy = secured()
    proxy.wait_for_log(r"one\.pem\.ocsp .*it is not sent")
    answer = s_client(proxy, "-servername", "one.test", "-status")
    assert "OCSP response: no response sent" in answer


def resumed(proxy, session, name="one.test"):
    """Connects with a session; whether it was taken up, and the next session."""
    context = session[0]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=session[1]) as client:
            client.sendall(ASK)
            assert b"hello" in client.recv(4096)
            return client.session_reused, (context, client.session)


def fresh():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context, None


def test_a_session_is_taken_up_by_any_worker_after_a_reload_and_an_upgrade(
    secured, authority, folder, peers
):
    put(authority.issue("one.test").text, folder / "one.pem")
    proxy = secured()
    taken_up, session = resumed(proxy, fresh())
    assert not taken_up
    for _ in range(6):
        taken_up, session = resumed(proxy, session)
        assert taken_up
    assert proxy.command("reload").returncode == 0
    taken_up, session = resumed(proxy, session)
    assert taken_up
    assert proxy.command("upgrade").returncode == 0
    pid = proxy.ask({"command": "status"})["pid"]
    peers.callback(os.kill, pid, 9)
    assert proxy.wait_for_exit() == 0
    taken_up, session = resumed(proxy, session)
    assert taken_up
