"""Access tokens: issued, expiring, revoked; counted, because a client that never logs out hurts a real Looker."""

import secrets
import threading
import time
from dataclasses import dataclass

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class _Grant:
    owner: str
    expires: float


class Tokens:
    """All live tokens. An owner is a user id, or `ADMIN` for the API credentials themselves."""

    def __init__(self, seconds: float, prefix: str = "") -> None:
        """Every token lives `seconds` and begins with `prefix`."""
        self.seconds = seconds
        self._prefix = prefix
        self.peak = 0
        self._grants: dict[str, _Grant] = {}
        self._lock = threading.Lock()

    def issue(self, owner: str) -> str:
        """A new token for `owner`, each time a different one."""
        token = self._prefix + secrets.token_hex(20)
        with self._lock:
            self._grants[token] = _Grant(owner, time.monotonic() + self.seconds)
            self.peak = max(self.peak, self._count())
        return token

    def owner(self, token: str) -> str | None:
        """Whose token this is; None when it is unknown, revoked or expired."""
        grant = self._grants.get(token)
        return grant.owner if grant and grant.expires > time.monotonic() else None

    def revoke(self, token: str) -> None:
        """End a token; one already ended is no error."""
        with self._lock:
            self._grants.pop(token, None)

    def open(self) -> int:
        """How many tokens are alive."""
        with self._lock:
            return self._count()

    def _count(self) -> int:
        # Every token lives equally long, so the oldest expire first.
        while self._grants and (oldest := next(iter(self._grants.items())))[1].expires <= time.monotonic():
            del self._grants[oldest[0]]
        return len(self._grants)
