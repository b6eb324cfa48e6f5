"""Clients and servers that speak TLS by Python's ssl, scripted like the plain ones."""

import socket
import ssl

from .client import RawClient
from .server import ScriptedServer


class TLSClient(RawClient):
    """Connects to a port of 127.0.0.1 and shakes hands for `name`; None sends no SNI.

    `authority` verifies the certificate; None verifies nothing. `ended` is "cut" when the peer
    goes without close_notify.
    """

    def __init__(self, port, name="example.com", authority=None, session=None, context=None):
        super().__init__(port)
        self.context = context or client_context(authority)
        self.socket = self.context.wrap_socket(
            self.socket, server_hostname=name, session=session, suppress_ragged_eofs=False
        )

    def _receive(self):
        try:
            return super()._receive()
        except ssl.SSLEOFError:
            self.ended = "cut"
            return False
        except ssl.SSLZeroReturnError:
            self.ended = "eof"
            return False

    def say_goodbye(self):
        """Sends close_notify and closes, as browsers do."""
        self.socket.settimeout(0)
        try:
            self.socket.unwrap()
        except (ssl.SSLError, OSError):
            pass
        self.socket.close()


def client_context(authority=None, version=None, alpn=(), certificate=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if authority:
        context.load_verify_locations(authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
    if version:
        context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


class TLSServer(ScriptedServer):
    """A ScriptedServer whose connections are TLS. `names` holds what clients asked for by SNI,
    `refused` what went wrong in handshakes, `resumed` whether each session was an earlier one,
    `subjects` the certificates that clients have shown."""

    def __init__(self, script, certificate, client_authority=None, says_goodbye=True, port=None):
        self.names, self.refused, self.resumed, self.subjects = [], [], [], []
        self._says_goodbye = says_goodbye
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._context.sni_callback = lambda _, name, __: self.names.append(name)
        if client_authority:
            self._context.load_verify_locations(client_authority.certificate)
            self._context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(script, port)
        self.address = f"https://{self.address}"

    def _serve(self, connection):
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_side=True)
        except (ssl.SSLError, OSError) as error:
            self.refused.append(str(error))
            connection.close()
            return
        self.resumed.append(connection.socket.session_reused)
        self.subjects.append(connection.socket.getpeercert())
        if self._says_goodbye:
            plain = connection.close

            def close():
                try:
                    connection.socket.settimeout(0)
                    connection.socket.unwrap()
                except (ssl.SSLError, OSError, ValueError):
                    pass
                plain()

            connection.close = close
        super()._serve(connection)


def silent_server():
    """A port that takes connections and never says a word; close it in the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]
