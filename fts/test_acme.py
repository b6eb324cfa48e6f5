"""`certificates = "auto"`: got from an authority (RFC 8555), kept, renewed. The authority is Pebble."""

import contextlib
import os
import re
import signal
import socket
import ssl
import stat
import threading

import pytest

from harness.dns import DNSServer
from harness.pebble import Pebble, make_certificate
from harness.pebble import path as pebble_path
from harness.ports import free_port
from harness.proxy import run
from harness.waiting import wait_until

pytestmark = pytest.mark.skipif(not pebble_path(), reason="pebble is not installed")

NAME = "one.example.com"
# Orders take a handful of exchanges over TLS; the machine may be busy.
SECONDS = 30


class Setting:
    """A DNS, an authority, and the configuration of an rsp that asks it."""

    def __init__(self, peers, folder):
        self._peers, self.folder = peers, folder
        self.http, self.https = free_port(), free_port()
        self.state = folder / "state"
        self.dns = DNSServer()
        peers.callback(self.dns.stop)
        self.dns.set(NAME, "127.0.0.1")
        self.pebble = None

    def authority(self, **options):
        self.pebble = Pebble(
            self.folder / "pebble", self.dns, self.http, self.https, **options
        )
        self._peers.callback(self.pebble.stop)
        return self.pebble

    def configuration(self, challenge="http-01", names=(NAME,), plain=True, more=""):
        sites = "\n".join(f'site "{name}" {{ ["/"] = respond(200, "{name}") }}' for name in names)
        return f"""
        workers(2)
        acme {{
          directory = "{self.pebble.directory}", ca = "{self.pebble.ca}", folder = "{self.state}",
          email = "operator@example.com", challenges = {{ "{challenge}" }},
        }}
        {f'listen "127.0.0.1:{self.http}"' if plain else ""}
        listen {{ "127.0.0.1:{self.https}", certificates = "auto" }}
        {sites}
        {more}
        """

    def file(self, name=NAME):
        return self.state / "certificates" / f"{name}.pem"

    def certificate(self, name=NAME, root=None):
        """The certificate (DER) that a client sees; verified against the root, if there is one."""
        if root:
            context = ssl.create_default_context(cafile=root)
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.https), timeout=10) as connection:
            with context.wrap_socket(connection, server_hostname=name) as stream:
                return stream.getpeercert(binary_form=True)


@pytest.fixture
def setting(peers, tmp_path):
    return Setting(peers, tmp_path)


def state(proxy, name=NAME):
    """What `rsp status` says of the certificate of a name."""
    names = {entry["name"]: entry for entry in proxy.ask({"command": "status"})["acme"]}
    return names[name]


def wait_for(proxy, wanted, name=NAME):
    def found():
        entry = state(proxy, name)
        return entry if entry["state"] == wanted else None

    return wait_until(found, f"{name} to be {wanted} in {proxy.log}", SECONDS)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_certificate_is_got_and_shown(rsp, setting, challenge):
    setting.authority()
    plain = challenge == "http-01"
    text = setting.configuration(challenge, plain=plain)
    proxy = rsp(text=text, port=setting.http if plain else setting.https)
    entry = wait_for(proxy, "valid")
    assert entry["renewal"] < entry["not_after"]
    assert proxy.logged(f"Got a certificate for {NAME}")
    assert setting.pebble.orders == 1
    root = setting.pebble.root(setting.folder / "root.pem")
    seen = setting.certificate(root=root)
    assert ssl.DER_cert_to_PEM_cert(seen).encode() in setting.file().read_bytes()


def test_clients_are_shown_a_certificate_of_our_own_until_the_first_comes(rsp, setting):
    setting.authority().stop()
    setting.dns.set("two.example.com", "127.0.0.1")
    proxy = rsp(
        text=setting.configuration(names=(NAME, "two.example.com")), port=setting.http
    )
    one, two = setting.certificate(), setting.certificate("two.example.com")
    assert NAME.encode() in one and b"two.example.com" in two and NAME.encode() not in two
    assert setting.certificate() == one  # not a new one each time
    root = setting.pebble.root
    setting.pebble.start()
    wait_for(proxy, "valid")
    root = root(setting.folder / "root.pem")
    assert setting.certificate(root=root) != one


def test_a_file_of_the_name_is_preferred_to_a_certificate_of_our_own(rsp, setting):
    setting.authority().stop()
    certificate, key = make_certificate(setting.folder, NAME)
    both = setting.folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    text = setting.configuration().replace('= "auto"', f'= {{ "auto", "{both}" }}')
    rsp(text=text, port=setting.http)
    assert ssl.DER_cert_to_PEM_cert(setting.certificate()) == certificate.read_text()


def test_the_redirect_to_https_does_not_stand_in_the_way_of_http_01(rsp, setting):
    setting.authority()
    text = setting.configuration(more="defaults { redirect_https = true }")
    proxy = rsp(text=text, port=setting.http)
    wait_for(proxy, "valid")
    answer = proxy.exchange(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    assert answer.status in (301, 308)


def test_keys_are_for_their_owner_alone(rsp, setting):
    setting.authority()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")
    folders = [path for path in setting.state.rglob("*") if path.is_dir()] + [setting.state]
    files = [path for path in setting.state.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == [
        f"localhost_{setting.pebble.port}_dir.pem",
        f"{NAME}.pem",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert "PRIVATE" not in "".join(proxy.log)


def test_nothing_is_shown_under_the_path_of_challenges_when_no_order_is_under_way(rsp, setting):
    setting.authority()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")
    for token in ("", "x", "x" * 257):
        target = f"/.well-known/acme-challenge/{token}"
        answer = proxy.exchange(f"GET {target} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert (answer.status, answer.body) == (200, NAME.encode())  # the site's own


def test_a_restart_asks_for_nothing_again(rsp, setting):
    setting.authority()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")
    before = setting.file().read_bytes()
    proxy.stop()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    assert state(proxy)["state"] == "valid"
    assert setting.pebble.orders == 1
    assert setting.file().read_bytes() == before


def test_nonces_that_do_not_count_are_replaced(rsp, setting):
    setting.authority(bad_nonces=30)
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")
    assert not proxy.logged("no certificate")


def test_a_certificate_is_renewed_before_it_ends(rsp, setting):
    setting.authority(validity=12)
    proxy = rsp(text=setting.configuration(), port=setting.http)
    first = wait_for(proxy, "valid")
    old = setting.file().read_bytes()
    wait_until(lambda: setting.file().read_bytes() != old, "another certificate", SECONDS)
    wait_until(lambda: state(proxy)["not_after"] > first["not_after"], "its use", SECONDS)
    assert not [line for line in proxy.log if "no certificate" in line]


def test_an_authority_that_is_down_is_asked_again(rsp, setting):
    setting.authority().stop()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    entry = wait_for(proxy, "failing")
    assert "Connection refused" in entry["error"] and entry["failures"] == 1
    assert proxy.logged(f"no certificate for {NAME}: localhost cannot be asked: .*refused")
    setting.pebble.start()
    wait_for(proxy, "valid")


def test_an_authority_that_nobody_vouches_for_is_not_asked(rsp, setting):
    setting.authority()
    text = re.sub(r'ca = "[^"]*",', "", setting.configuration())
    proxy = rsp(text=text, port=setting.http)
    assert "certificate verify failed" in wait_for(proxy, "failing")["error"]
    assert setting.pebble.orders == 0


def test_what_the_authority_says_is_told(rsp, setting):
    setting.authority()
    setting.dns.set(NAME, "127.0.0.2")  # nobody listens there
    proxy = rsp(text=setting.configuration(), port=setting.http)
    entry = wait_for(proxy, "failing")
    assert "the challenge http-01 failed: connection" in entry["error"]
    assert "127.0.0.2" in entry["error"]
    # It counts against the account, so the next attempt is not soon.
    assert entry["next_attempt"] - proxy.ask({"command": "status"})["started"] >= 40


def test_only_names_of_sites_are_asked_for(rsp, setting):
    setting.authority()
    names = ("One.Example.com", "two.example.com", "10.1.2.3", "*")
    setting.dns.set("two.example.com", "127.0.0.1")
    proxy = rsp(text=setting.configuration(names=names), port=setting.http)
    wait_for(proxy, "valid")
    wait_for(proxy, "valid", "two.example.com")
    assert len(proxy.ask({"command": "status"})["acme"]) == 2
    with contextlib.suppress(ssl.SSLError, OSError):
        setting.certificate("three.example.com")
    assert setting.pebble.orders == 2


def test_names_come_and_go_with_a_reload(rsp, setting):
    setting.authority()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")
    setting.dns.set("two.example.com", "127.0.0.1")
    proxy.file.write_text(setting.configuration(names=(NAME, "two.example.com")))
    proxy.reload()
    wait_for(proxy, "valid", "two.example.com")
    assert state(proxy)["state"] == "valid"
    proxy.file.write_text(setting.configuration(names=("two.example.com",)))
    proxy.reload()
    assert [entry["name"] for entry in proxy.ask({"command": "status"})["acme"]] == [
        "two.example.com"
    ]
    assert setting.pebble.orders == 2
    # It is kept, for the day on which the name comes back.
    assert setting.file().exists()


def test_a_state_folder_that_cannot_be_made_is_told_at_the_start(setting):
    setting.authority()
    (setting.folder / "state").write_text("a file")
    file = setting.folder / "rsp.lua"
    file.write_text(setting.configuration())
    result = run("run", file)
    assert result.returncode == 1
    assert f"the folder for certificates, {setting.state}, cannot be used: Not a directory" in (
        result.stdout
    )


def test_a_file_without_a_key_is_no_account(setting):
    setting.authority()
    accounts = setting.state / "accounts"
    accounts.mkdir(parents=True)
    file = accounts / f"localhost_{setting.pebble.port}_dir.pem"
    file.write_text("no key")
    configuration = setting.folder / "rsp.lua"
    configuration.write_text(setting.configuration())
    result = run("run", configuration)
    assert result.returncode == 1
    assert f"{file} holds no key that can be used" in result.stdout


def test_a_wildcard_is_refused_by_the_check(setting):
    setting.authority()
    file = setting.folder / "rsp.lua"
    file.write_text(setting.configuration(names=(NAME, "*.example.org")))
    result = run("check", file)
    assert result.returncode == 1
    assert "dns-01" in result.stdout and "*.example.org" in result.stdout


def test_a_challenge_that_is_not_met_is_told(rsp, setting):
    setting.authority()
    # The authority looks for TLS where nobody listens.
    text = setting.configuration("tls-alpn-01").replace(
        f"127.0.0.1:{setting.https}", f"127.0.0.1:{free_port()}"
    )
    proxy = rsp(text=text, port=setting.http)
    assert "the challenge tls-alpn-01 failed" in wait_for(proxy, "failing")["error"]


def test_http_01_needs_a_listener_without_tls(setting):
    setting.authority()
    file = setting.folder / "rsp.lua"
    file.write_text(setting.configuration(plain=False))
    result = run("run", file)
    assert result.returncode == 1
    assert "http-01 needs a listener without TLS" in result.stdout


def test_an_authority_that_is_down_is_asked_once_for_many_names(rsp, setting):
    setting.authority().stop()
    names = [f"n{number}.example.com" for number in range(200)]
    asked = []

    def count(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(1)
            connection.close()

    with socket.create_server(("127.0.0.1", setting.pebble.port)) as listener:
        threading.Thread(target=count, args=[listener], daemon=True).start()
        proxy = rsp(text=setting.configuration(names=names), port=setting.http)

        def all_failed():
            entries = proxy.ask({"command": "status"})["acme"]
            return all(entry.get("failures") for entry in entries)

        wait_until(all_failed, "all names to have failed", SECONDS)
        assert 1 <= len(asked) <= 20
        listener.shutdown(socket.SHUT_RDWR)


def test_an_upgrade_of_the_program_keeps_certificate_and_account(rsp, setting):
    setting.authority()
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")
    before = setting.certificate()
    result = proxy.command("upgrade")
    assert result.returncode == 0, result.stdout
    assert state(proxy)["state"] == "valid"
    assert setting.certificate() == before
    assert setting.pebble.orders == 1
    os.kill(proxy.ask({"command": "status"})["pid"], signal.SIGTERM)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody")
def test_the_state_folder_is_the_users_after_privileges_are_given_up(rsp, setting, tmp_path):
    setting.authority(validity=12)
    for folder in [tmp_path, *tmp_path.parents[:3]]:
        folder.chmod(0o755)
    proxy = rsp(text=setting.configuration(), port=setting.http)
    wait_for(proxy, "valid")  # as root: what there is, is root's
    proxy.stop()
    text = setting.configuration(more='defaults { user = "nobody" }')
    proxy = rsp(text=text, port=setting.http)
    wait_until(
        lambda: setting.file().owner() == "nobody" and setting.pebble.orders >= 2,
        f"a renewal by nobody {proxy.log}",
        SECONDS,
    )
    wait_for(proxy, "valid")
    assert {path.owner() for path in setting.state.rglob("*")} == {"nobody"}
    assert not proxy.logged("no certificate for")


def test_the_status_table_tells_what_is_awaited_and_what_failed(rsp, setting):
    setting.authority()
    setting.dns.set("two.example.com", "127.0.0.2")  # nobody listens there
    names = (NAME, "two.example.com")
    proxy = rsp(text=setting.configuration(names=names), port=setting.http)
    wait_for(proxy, "valid")
    wait_for(proxy, "failing", "two.example.com")
    text = proxy.command("status").stdout
    assert re.search(rf"^{NAME} +valid +renewed ", text, re.M), text
    assert re.search(r"^two\.example\.com +failing +next attempt ", text, re.M), text
    assert "two.example.com: the challenge http-01 failed" in text
