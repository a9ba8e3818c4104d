"""Faults on demand: which requests go wrong, how, and how often."""

import re
import threading
from collections import Counter
from dataclasses import KW_ONLY, dataclass

# What each kind looks like to the client.
KINDS = {
    "429": "Looker's JSON error, with Retry-After when `retry_after` is given",
    "500": "Looker's JSON error",
    "502": "the load balancer's HTML page",
    "503": "an empty body, with Retry-After when `retry_after` is given",
    "403": "Looker's JSON error",
    "404": "Looker's JSON error",
    "422": "Looker's JSON error",
    "truncated": "the real answer cut in half, its Content-Length adjusted",
    "short": "the connection closed after half of the bytes Content-Length promised",
    "slow": "the real answer after `seconds`",
    "drop": "the connection closed without an answer",
    "expire": "the caller's token ended, and 401",
    "garbage": "200 with an HTML page",
    "invalid-json": "the real answer with a broken middle and a proper end",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Goes wrong on requests whose path matches `path` (a regular expression, anywhere) and whose method is `method`.

    The first `after` such requests pass, the next `times` fail (None: all of them). `seconds` belongs to "slow" alone.
    Raises ValueError for an unknown kind, a malformed expression or traits that do not belong to the kind.
    """

    kind: str
    _: KW_ONLY
    path: str = ""
    method: str | None = None
    times: int | None = 1
    after: int = 0
    retry_after: str | int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        if (self.kind == "slow") != (self.seconds is not None):
            raise ValueError("seconds is for the kind slow, which needs it")
        if self.retry_after is not None and self.kind not in ("429", "503"):
            raise ValueError("retry_after is for the kinds 429 and 503")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0

    def befalls(self, method: str, path: str) -> bool:
        fault = self.fault
        if fault.method not in (None, method) or not re.search(fault.path, path):
            return False
        self.seen += 1
        turn = self.seen - fault.after
        return turn > 0 and (fault.times is None or turn <= fault.times)


class Faults:
    """The faults in force. Safe to change while the server runs; the first fault that applies to a request wins."""

    def __init__(self) -> None:
        self.fired: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []

    def add(self, *faults: Fault) -> None:
        """Put faults in force, after those already there."""
        with self._lock:
            self._armed.extend(_Armed(fault) for fault in faults)

    def clear(self) -> None:
        """End every fault and forget the counts in `fired`."""
        with self._lock:
            self._armed.clear()
            self.fired.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, counted in `fired` by kind."""
        with self._lock:
            for armed in self._armed:
                if armed.befalls(method, path):
                    self.fired[armed.fault.kind] += 1
                    return armed.fault
            return None
