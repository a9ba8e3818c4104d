"""A proxy on the way out, named by the environment as curl, requests and urllib read it."""

import base64
import re
import socket
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from sluice.errors import SettingsError
from sluice.looker.host import Host, Unreachable
from sluice.looker.watch import Request
from sluice.settings import LOOPBACK

MAX_HEAD_BYTES = 65536


class ProxyFailed(Unreachable):
    hint = "Check HTTPS_PROXY: its host, port, user and password. NO_PROXY names hosts that need no proxy."


class Proxy:
    """An http proxy that opens tunnels (CONNECT)."""

    def __init__(self, address: SplitResult) -> None:
        self._host = Host(address.hostname or "", address.port or 80)
        self._credentials = ""
        if address.username is not None:
            pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
            self._credentials = base64.b64encode(pair.encode()).decode()

    def connect(self, far: Host, request: Request) -> socket.socket:
        """A socket at whose other end is `far`.

        Raises:
            ProxyFailed: there is none.
        """
        try:
            sock = self._host.connect(request)
        except Unreachable as error:
            raise ProxyFailed(f"the proxy: {error}") from error
        try:
            self._tunnel(sock, far, request)
        except BaseException as error:
            sock.close()
            if isinstance(error, ConnectionError):
                raise ProxyFailed(f"the proxy {self._host} hung up") from error
            if isinstance(error, TimeoutError):
                raise ProxyFailed(f"the proxy {self._host} did not answer in time") from error
            raise
        return sock

    def _tunnel(self, sock: socket.socket, far: Host, request: Request) -> None:
        """RFC 9110 9.3.6: after its 2xx, the proxy passes on what both sides say."""
        lines = [f"CONNECT {far} HTTP/1.1", f"Host: {far}", "User-Agent: sluice"]
        if self._credentials:
            lines.append(f"Proxy-Authorization: Basic {self._credentials}")
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n") and len(head) < MAX_HEAD_BYTES:
            sock.settimeout(request.left)
            if not (piece := sock.recv(1)):  # one by one: what follows the head is the other side's
                raise ConnectionAbortedError
            head += piece
        status = re.match(rb"HTTP/1\.[01] (\d{3})\b", head)
        if status is None:
            raise ProxyFailed(f"the proxy {self._host} did not answer as a proxy does")
        if not status[1].startswith(b"2"):
            raise ProxyFailed(f"the proxy {self._host} refused to connect: HTTP {status[1].decode()}")


def between(origin: SplitResult) -> "Proxy | None":
    """The proxy that HTTPS_PROXY or ALL_PROXY names for this origin, unless NO_PROXY does, in capitals or not.

    Raises:
        SettingsError: the address is none of an http proxy.
    """
    host = origin.hostname or ""
    if host in LOOPBACK or proxy_bypass(f"{host}:{origin.port}" if origin.port else host):
        return None
    proxies = getproxies()
    text = proxies.get(origin.scheme) or proxies.get("all")
    if not text:
        return None
    wrong = "HTTPS_PROXY must be an address such as http://host:port"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        _ = parts.port
    except ValueError:
        raise SettingsError(wrong) from None  # whose own text quotes the value
    if parts.scheme != "http" or not parts.hostname:
        raise SettingsError(f"{wrong}; another kind of proxy is not supported")
    return Proxy(parts)
