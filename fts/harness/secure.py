"""Both sides of TLS as exact bytes: a client of rsp, and a scripted server behind it."""

import socket
import ssl

from .client import RawClient
from .server import ScriptedServer


def client_context(authority=None, certificate=None, alpn=(), highest=None, lowest=None, ciphers=None):
    """Verifies by `authority` if there is one; shows `certificate` to servers that ask."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority:
        context.load_verify_locations(authority.certificate)
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if lowest:
        context.minimum_version = lowest
    if highest:
        context.maximum_version = highest
    if ciphers:
        context.set_ciphers(ciphers)
    return context


class SecureClient(RawClient):
    """A RawClient whose bytes go by TLS, for `name`; see client_context for the rest. An end without
    close_notify is an error."""

    def __init__(self, port, name="one.test", context=None, session=None, **options):
        super().__init__(port)
        context = context or client_context(**options)
        self.socket = context.wrap_socket(
            self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False
        )


class SecureServer(ScriptedServer):
    """A ScriptedServer that speaks TLS with `issued`, and asks for a certificate of `client_ca`.

    `names` holds the names that were asked for, `reused` whether sessions were, `clients` the common
    names of the certificates that were shown, `refused` the handshakes that failed.
    """

    def __init__(self, script, issued, client_ca=None, **options):
        self.names, self.reused, self.clients, self.refused = [], [], [], []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(issued.certificate, issued.key)
        self._context.sni_callback = lambda _, name, __: self.names.append(name)
        if client_ca:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(client_ca.certificate)
        super().__init__(script, **options)
        self.url = f"https://{self.address}"

    def _serve(self, connection):
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_side=True)
        except (OSError, ValueError) as error:
            self.refused.append(error)
            connection.close()
            return
        self.reused.append(connection.socket.session_reused)
        if shown := connection.socket.getpeercert():
            subject = dict(part[0] for part in shown["subject"])
            self.clients.append(subject["commonName"])
        super()._serve(connection)

    def stop(self):
        self._stopping = True
        super().stop()


def handshake_fails(port, **options):
    """Whether a client is refused, be it in the handshake or, as TLS 1.3 has it, right after."""
    try:
        with SecureClient(port, **options) as client:
            client.socket.settimeout(10)
            return client.socket.recv(1) == b""
    except (ssl.SSLError, ConnectionResetError, socket.timeout) as error:
        return not isinstance(error, socket.timeout)
