"""Cuts requests whose time is over.

A socket's time-out starts anew with every byte, so a peer that trickles holds a thread for as long as it likes. And the
run's deadline may be brought forward while a thread is already waiting. So one thread looks at all requests under way,
and shuts the socket of one that is overdue: whoever waits there wakes up.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException

INTERVAL_SECONDS = 0.25


class Request:
    """A request under way. `sock` is where it waits, once there is one.

    Args:
        seconds: for its first step
        deadline: gives the `time.monotonic()` by which the whole of it must be over; it may move
    """

    __slots__ = ("_deadline", "_until", "cut", "sock")

    def __init__(self, seconds: float, deadline: Callable[[], float]) -> None:
        self._deadline = deadline
        self._until = time.monotonic() + seconds
        self.sock: socket.socket | None = None
        self.cut = False

    def next_step(self, seconds: float) -> None:
        """The step is done in time: so long for the next one."""
        self._until = time.monotonic() + seconds

    @property
    def end(self) -> float:
        """`time.monotonic()` by which the present step must be over."""
        return min(self._until, self._deadline())

    @property
    def left(self) -> float:
        """Seconds for the rest of this step.

        Raises:
            TimeoutError: none is left.
        """
        left = self.end - time.monotonic()
        if self.cut or left <= 0:
            raise TimeoutError
        return left


class Watch:
    """Thread-safe; its own thread lives while requests are under way, and a little longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: set[Request] = set()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, request: Request) -> Iterator[Request]:
        """Watch over the request until the context ends.

        Raises:
            TimeoutError: it was cut, whatever that looked like from inside.
        """
        with self._lock:
            self._requests.add(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="looker-watch", daemon=True)
                self._thread.start()
        try:
            yield request
        except (HTTPException, OSError) as error:
            if request.cut:
                raise TimeoutError from error
            raise
        finally:
            with self._lock:
                self._requests.discard(request)
        if request.cut:  # a body without a length ends where the connection does
            raise TimeoutError

    def close(self) -> None:
        """Let the thread end now, and not at its next look. Requests under way stay watched over."""
        with self._lock:
            thread = None if self._requests else self._thread
            self._wake.set()
        if thread is not None:
            thread.join()
        self._wake.clear()

    def _look(self) -> None:
        while True:
            self._wake.wait(INTERVAL_SECONDS)
            with self._lock:
                if not self._requests:
                    self._thread = None
                    return
                for request in self._requests:
                    if time.monotonic() >= request.end:
                        self._cut(request)

    @staticmethod
    def _cut(request: Request) -> None:
        request.cut = True
        if request.sock is not None:
            with suppress(OSError):  # closed meanwhile, or not connected yet
                # The method of an SSLSocket would take its TLS object away from under the thread that reads.
                socket.socket.shutdown(request.sock, socket.SHUT_RDWR)
