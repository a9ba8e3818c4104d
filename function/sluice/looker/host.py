"""A host, and a connection to it."""

import queue
import socket
import threading
from contextlib import suppress

from sluice.looker.watch import Request

NOTICE_SECONDS = 0.25


class Unreachable(OSError):
    """No connection was made, so nothing was sent. The text names hosts and nothing secret; `hint` says what to do."""

    hint = "Check LOOKER_BASE_URL, and that the function may connect to that host and port."


class Host:
    """A host and port; its addresses are looked up once, and again after none of them answered."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        self._lock = threading.Lock()
        self._found: list[tuple[int, str]] = []

    def __str__(self) -> str:
        return f"{f'[{self.name}]' if ':' in self.name else self.name}:{self.port}"

    def connect(self, request: Request) -> socket.socket:
        """A socket connected to it: to the first of its addresses that answers, each given its share of the time.

        Raises:
            Unreachable, TimeoutError: there is none.
        """
        addresses = self._addresses(request)
        failures: list[OSError] = []
        for number, address in enumerate(addresses):
            try:
                return self._connected(address, request, request.left / (len(addresses) - number))
            except OSError as error:
                failures.append(error)
        with self._lock:
            self._found = []
        if any(isinstance(failure, ConnectionRefusedError) for failure in failures):
            raise Unreachable(f"{self} refuses connections") from failures[0]
        raise Unreachable(f"no connection to {self}: {type(failures[0]).__name__}") from failures[0]

    def _connected(self, address: tuple[int, str], request: Request, seconds: float) -> socket.socket:
        sock = request.sock = socket.socket(address[0], socket.SOCK_STREAM)
        try:
            sock.settimeout(seconds)
            sock.connect((address[1], self.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def _addresses(self, request: Request) -> list[tuple[int, str]]:
        with self._lock:  # whoever comes meanwhile waits for this answer, and asks nobody
            if not self._found:
                self._found = self._resolved(request)
            return self._found

    def _resolved(self, request: Request) -> list[tuple[int, str]]:
        """Nothing can interrupt the C library's resolver: a thread that is left behind asks it."""
        answer: queue.SimpleQueue[list[tuple[int, str]] | OSError] = queue.SimpleQueue()
        threading.Thread(target=self._resolve, args=(answer,), name="looker-dns", daemon=True).start()
        found = None
        while found is None:
            with suppress(queue.Empty):
                found = answer.get(timeout=min(request.left, NOTICE_SECONDS))
        if isinstance(found, OSError):
            raise Unreachable(f"the host name {self.name} could not be looked up") from found
        return found

    def _resolve(self, answer: "queue.SimpleQueue[list[tuple[int, str]] | OSError]") -> None:
        try:
            found = socket.getaddrinfo(self.name, self.port, type=socket.SOCK_STREAM)
            answer.put([(int(family), str(address[0])) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as error:  # a label of more than 63 letters is a UnicodeError
            answer.put(error if isinstance(error, OSError) else OSError(str(error)))
