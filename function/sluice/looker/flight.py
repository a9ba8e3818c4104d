"""How many bytes of large answers the threads of a run hold at once.

A body of 20 MB is 80 MB while it becomes a row: fifty of them at once are more than the function has. Whoever is about
to read a large body takes its size here first, and gives it back when the job that wanted it is done.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SMALL_BYTES = 1024 * 1024
NOTICE_SECONDS = 0.25


class Flight:
    """Thread-safe. A body larger than the limit is let through alone.

    Threads that hold nothing are let in one after the other, so that small bodies do not keep a large one waiting for
    ever. Of those that hold something and want more, the first may always go on: so no two wait for each other.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._held: dict[int, int] = {}
        self._queue: deque[int] = deque()
        self._counted = threading.local()

    @property
    def held(self) -> int:
        """Bytes taken and not given back."""
        with self._changed:
            return sum(self._held.values())

    @contextmanager
    def job(self) -> Iterator[None]:
        """What this thread takes meanwhile is given back at the end; outside of a job nothing is counted."""
        self._counted.inside = True
        try:
            yield
        finally:
            self._counted.inside = False
            if threading.get_ident() in self._held:
                with self._changed:
                    del self._held[threading.get_ident()]
                    self._changed.notify_all()

    def take(self, size: int, given_up: Callable[[], bool]) -> None:
        """Wait for room.

        Raises:
            TimeoutError: given up meanwhile.
        """
        if not getattr(self._counted, "inside", False):
            return
        me = threading.get_ident()
        with self._changed:
            if me not in self._held:
                self._queue.append(me)
            try:
                while not self._has_room(me, size):
                    if given_up():
                        raise TimeoutError
                    self._changed.wait(NOTICE_SECONDS)
                self._held[me] = self._held.get(me, 0) + size
            finally:
                if me in self._queue:
                    self._queue.remove(me)
                    self._changed.notify_all()

    def _has_room(self, me: int, size: int) -> bool:
        used = sum(self._held.values())
        if me in self._held:
            return used + size <= self._limit or me == next(iter(self._held))
        return self._queue[0] == me and (not used or used + size <= self._limit)
