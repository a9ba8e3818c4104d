"""Between the workers and the upload: holds a bounded number of bytes, slows the workers down when it is full."""

import threading
from collections import deque
from collections.abc import Iterator


class Buffer[T]:
    """Many threads put, one iterates. The bound is on the sum of sizes, in bytes; one item may exceed it alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._items: deque[tuple[T, int]] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error: BaseException | None = None

    def put(self, item: T, size: int) -> None:
        """Wait for room, then add; after `end` or `fail` the item is dropped, since nobody will read it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not self._used or self._used + size <= self._limit)
            if not self._ended:
                self._items.append((item, size))
                self._used += size
                self._changed.notify_all()

    def end(self) -> None:
        """No more items will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Raise `error` in the iterating thread at once; what is still held is dropped. The first error counts."""
        with self._changed:
            self._error = self._error or error
            self._ended = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if self._error is not None:
                    raise self._error
                if not self._items:
                    return
                item, size = self._items.popleft()
                self._used -= size
                self._changed.notify_all()
            yield item
