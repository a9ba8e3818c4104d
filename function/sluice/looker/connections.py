"""Connections to one origin, kept open and shared by the threads of a run.

http.client speaks HTTP and TLS; what a pool adds to it is here. A request costs a third to a half less than over a
general pool (docs/adr/0007-connections-of-our-own.md).
"""

import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, parse_headers

from sluice.looker import body as bodies
from sluice.looker.flight import Flight
from sluice.looker.route import Route
from sluice.looker.watch import Request, Watch

CONNECT_SECONDS = 10.0
HEADERS = {"User-Agent": "sluice", "Accept-Encoding": "gzip"}

NEVER = partial(float, "inf")

type Failure = HTTPException | OSError
"""No answer, or half of one. The text of some quotes the answer: tell its class only."""
FAILURES = (HTTPException, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, whatever its status; `retry_after` and `location` are the headers of that name, or empty."""

    status: int
    data: bytes
    retry_after: str = ""
    location: str = ""


class _Response(HTTPResponse):
    """Passes over every interim answer (RFC 9110 15.2), not only over 100: a load balancer may send 103."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if not 100 < status < 200:
                return version, status, reason
            parse_headers(self.fp)


class Connections:
    """Thread-safe: a connection is one thread's for one request, so there are at most as many as threads.

    Args:
        origin: e.g. https://example.cloud.looker.com
        timeout: longest wait for an answer to begin, and from there for its end, in seconds
        flight: bounds the bytes of large answers

    Raises:
        SettingsError: as Route.
    """

    def __init__(self, origin: str, *, timeout: float, flight: Flight) -> None:
        self._route = Route(origin)
        self._timeout = timeout
        self._watch = Watch()
        self._flight = flight
        # The one used last comes first: those no longer needed stay idle and are closed by the server.
        self._idle: deque[HTTPConnection] = deque()
        self._lock = threading.Lock()
        self.sent = 0
        """Requests so far; one that met a closed connection and was sent again at once counts once."""

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        once: bool = False,
        deadline: Callable[[], float] = NEVER,
    ) -> Answer:
        """One request and its answer; redirects are not followed.

        Args:
            once: on a new connection, for a request that must not arrive twice
            deadline: gives the `time.monotonic()` by which all must be over; it may move

        Raises:
            Failure: as FAILURES.
        """
        with self._lock:
            self.sent += 1
        response: HTTPResponse | None = None
        connection: HTTPConnection | None = None
        try:
            with self._watch.over(Request(self._timeout, deadline)) as request:
                connection, response = self._begin(request, method, target, body, headers | HEADERS, once=once)
                request.next_step(self._timeout)
                data = bodies.read(response, partial(self._take, request))
        except BaseException:
            if response is not None:
                response.close()
            if connection is not None:
                connection.close()
            raise
        if connection.sock is not None:  # else the server wants it closed, and it is
            self._idle.append(connection)
        told = response.headers
        return Answer(response.status, data, told.get("Retry-After", ""), told.get("Location", ""))

    def _take(self, request: Request, size: int) -> None:
        """That others hold as much as there may be is not the peer's fault: the time of the request stands still."""
        left = request.left
        request.next_step(float("inf"))
        self._flight.take(size, lambda: request.cut)
        request.next_step(left)

    def _begin(
        self,
        request: Request,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        once: bool,
    ) -> tuple[HTTPConnection, HTTPResponse]:
        """That the server closed an idle connection shows when it is used: then a new one is asked, never a second."""
        connection = None if once else self._take_idle()
        if connection is not None:
            try:
                return connection, self._ask(request, connection, method, target, body, headers)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                pass  # asked anew below
        connection = self._open(request)
        return connection, self._ask(request, connection, method, target, body, headers)

    def _take_idle(self) -> HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _open(self, request: Request) -> HTTPConnection:
        left = request.left
        request.next_step(min(left, CONNECT_SECONDS))
        connection = self._route.open(request)
        connection.response_class = _Response
        connection.sock.settimeout(self._timeout)
        request.next_step(left)
        return connection

    @staticmethod
    def _ask(
        request: Request,
        connection: HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> HTTPResponse:
        request.sock = connection.sock
        try:
            connection.request(method, target, body, headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close what is idle; at the end of a run that is all."""
        while (connection := self._take_idle()) is not None:
            connection.close()
        self._watch.close()
