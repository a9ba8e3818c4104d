"""The journal of requests: what was asked by whom, and what became of it."""

import re
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One request. `user` is a user id, "admin", or None without a valid token; `status` 0 means no answer was sent.

    `seconds` from the request's arrival until its answer was ready, `size` in bytes of body sent.
    """

    method: str
    path: str
    query: str
    user: str | None
    status: int
    seconds: float
    size: int


class Journal:
    """The latest requests, oldest first; `total` counts those forgotten too."""

    def __init__(self, size: int = 200_000) -> None:
        self.total = 0
        self._records: deque[Record] = deque(maxlen=size)

    def add(self, record: Record) -> None:
        self.total += 1
        self._records.append(record)

    def clear(self) -> None:
        self.total = 0
        self._records.clear()

    def find(
        self, path: str = "", method: str | None = None, user: str | None = None, status: int | None = None
    ) -> list[Record]:
        """The requests whose path matches the regular expression (anywhere) and whose other traits are as given."""
        pattern = re.compile(path)
        return [
            record
            for record in list(self._records)
            if pattern.search(record.path)
            and (method is None or record.method == method)
            and (user is None or record.user == user)
            and (status is None or record.status == status)
        ]
