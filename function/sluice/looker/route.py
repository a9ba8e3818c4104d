"""The way to an origin: its addresses, a proxy where the environment names one, and TLS."""

import os
import socket
import ssl
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from sluice.errors import SettingsError
from sluice.looker import proxy
from sluice.looker.host import Host, Unreachable
from sluice.looker.watch import Request

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Untrusted(Unreachable):
    """The certificate is not accepted. Trying again gives the same."""

    hint = (
        "If the certificate is right, name a file with its authority in SSL_CERT_FILE or REQUESTS_CA_BUNDLE; "
        "for another host's certificate, correct LOOKER_BASE_URL."
    )


class Route:
    """Thread-safe. Reads the environment once, when it is made.

    Args:
        origin: e.g. https://example.cloud.looker.com

    Raises:
        SettingsError: the proxy's address, or a file of authorities, is none.
    """

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        # Left to itself, each connection reads all certificate authorities anew: 50 ms of CPU instead of 5.
        self._tls = _authorities() if self._secure else None
        self._far = Host(parts.hostname or "", parts.port or (443 if self._secure else 80))
        self._proxy = proxy.between(parts)

    def open(self, request: Request) -> HTTPConnection:
        """A connection, ready for requests, within the time of the request's step.

        Raises:
            Unreachable, TimeoutError: there is none.
        """
        sock = self._proxy.connect(self._far, request) if self._proxy else self._far.connect(request)
        if self._tls is None:
            connection = HTTPConnection(self._far.name, self._far.port)
        else:
            sock = self._secured(self._tls, sock, request)
            connection = HTTPSConnection(self._far.name, self._far.port, context=self._tls)
        connection.sock = sock
        return connection

    def _secured(self, tls: ssl.SSLContext, sock: socket.socket, request: Request) -> ssl.SSLSocket:
        secured = tls.wrap_socket(sock, server_hostname=self._far.name, do_handshake_on_connect=False)
        request.sock = secured
        try:
            secured.settimeout(request.left)
            secured.do_handshake()
        except BaseException as error:
            secured.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                told = f"the certificate of {self._far} is not accepted: {error.verify_message}"
                raise Untrusted(told) from error
            if isinstance(error, ssl.SSLError):
                raise Unreachable(f"no TLS with {self._far}: {error.reason or 'it hung up'}") from error
            raise
        return secured


def _authorities() -> ssl.SSLContext:
    """What OpenSSL trusts, SSL_CERT_FILE and SSL_CERT_DIR included, and what requests and curl are told to."""
    tls = ssl.create_default_context()
    name = next((name for name in BUNDLES if os.environ.get(name)), None)
    if name is not None:
        path = Path(os.environ[name])
        try:
            tls.load_verify_locations(cafile=None if path.is_dir() else path, capath=path if path.is_dir() else None)
        except OSError as error:
            raise SettingsError(f"{name} must name a readable file of PEM certificates, or a directory") from error
    return tls
