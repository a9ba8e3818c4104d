"""Connections to one origin, kept open and shared by the threads of a run.

http.client speaks HTTP and TLS; what a pool adds to it is here. A request costs a third to a half less than over a
general pool (docs/adr/0007-connections-of-our-own.md).
"""

import ssl
import threading
from collections import deque
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

CONNECT_SECONDS = 10.0
AGENT = {"User-Agent": "sluice"}

type Failure = HTTPException | OSError
"""No answer, or half of one. The text of some quotes the answer: tell its class only."""
FAILURES = (HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, whatever its status; `retry_after` is the header of that name, or empty."""

    status: int
    data: bytes
    retry_after: str = ""


class Connections:
    """Thread-safe: a connection is one thread's for one request, so there are at most as many as threads.

    Args:
        origin: e.g. https://example.cloud.looker.com
        timeout: longest wait for the next bytes of an answer, in seconds
    """

    def __init__(self, origin: str, *, timeout: float) -> None:
        self._origin = urlsplit(origin)
        self._timeout = timeout
        # Left to itself, each connection reads all certificate authorities anew: 50 ms of CPU instead of 5.
        self._tls = ssl.create_default_context() if self._origin.scheme == "https" else None
        # The one used last comes first: those no longer needed stay idle and are closed by the server.
        self._idle: deque[HTTPConnection] = deque()
        self._lock = threading.Lock()
        self.sent = 0
        """Requests so far; one that met a closed connection and was sent again at once counts once."""

    def send(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str], *, once: bool = False
    ) -> Answer:
        """One request and its answer; redirects are not followed.

        `once`: on a new connection, for a request that must not arrive twice.

        Raises:
            Failure: as FAILURES.
        """
        with self._lock:
            self.sent += 1
        connection, response = self._begin(method, target, body, headers | AGENT, once=once)
        try:
            answer = Answer(response.status, response.read(), response.headers.get("Retry-After", ""))
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:  # else the server wants it closed, and it is
            self._idle.append(connection)
        return answer

    def _begin(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str], *, once: bool
    ) -> tuple[HTTPConnection, HTTPResponse]:
        """That the server closed an idle connection shows when it is used: then a new one is asked, never a second."""
        connection = None if once else self._take()
        if connection is not None:
            try:
                return connection, self._ask(connection, method, target, body, headers)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                pass  # asked anew below
        connection = self._open()
        return connection, self._ask(connection, method, target, body, headers)

    def _take(self) -> HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _open(self) -> HTTPConnection:
        host, port = self._origin.hostname or "", self._origin.port
        if self._tls is None:
            connection = HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        else:
            connection = HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=self._tls)
        try:
            connection.connect()
            connection.sock.settimeout(self._timeout)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _ask(
        connection: HTTPConnection, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> HTTPResponse:
        try:
            connection.request(method, target, body, headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close what is idle; at the end of a run that is all."""
        while (connection := self._take()) is not None:
            connection.close()
