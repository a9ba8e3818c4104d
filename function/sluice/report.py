"""What a run did: told to the caller, to the ledger and to the log."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sluice import __version__
from sluice.errors import SluiceError
from sluice.plan import Order


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one conversation: the lines to load, and what they count for."""

    lines: Sequence[bytes]
    """A tuple where they are held; else each is made when it is asked for, of `raw_bytes`."""
    rejected: bool
    agent_id: str
    day: str
    messages: int
    raw_bytes: int
    stored_bytes: int
    texts_cut: int
    sent: bytes = b""
    """A tiny line that says that the others were sent: BigQuery may refuse them."""
    repeated: bool = False
    """Fetched again, and no other than the warehouse holds."""
    unannounced: bool = False
    """Fetched again, with other messages than the warehouse holds, though `updated_at` stood still."""

    @property
    def size(self) -> int:
        held = isinstance(self.lines, tuple)
        return sum(len(line) for line in self.lines) if held else self.raw_bytes


@dataclass(slots=True)
class Report:
    """Filled in while the run goes on. Bytes are of conversations as fetched (raw) and of messages as kept (stored)."""

    run_id: str
    order: Order
    started_at: datetime
    window_start: datetime
    window_end: datetime
    state: str = "running"
    ended_at: datetime | None = None
    users: Counter[str] = field(default_factory=Counter)
    conversations: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    raw_bytes: int = 0
    stored_bytes: int = 0
    texts_cut: int = 0
    ratings: int | None = None
    api_calls: int = 0
    stages: dict[str, float] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    adopted: list[str] = field(default_factory=list)
    """Ids of earlier runs whose staged rows this one committed."""
    failure: dict[str, str] | None = None
    by_agent_and_day: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage, in seconds."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = round(time.monotonic() - begun, 3)

    def tally(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """Count the rows that pass; give their lines."""
        for row in rows:
            self._count(row)
            yield from row.lines
            if row.sent and row.lines:  # a row that is not sent again was not refused either
                yield row.sent

    def refused(self, rows: int) -> None:
        """Rows that were fetched, and that BigQuery's load then refused."""
        self.conversations["fetched"] -= rows
        self.conversations["rejected"] += rows

    def _count(self, row: Row) -> None:
        self.conversations["unannounced"] += row.unannounced
        if row.repeated:
            self.conversations["unchanged"] += 1
            return
        self.conversations["rejected" if row.rejected else "fetched"] += 1
        self.raw_bytes += row.raw_bytes
        if row.rejected:
            return
        self.messages += row.messages
        self.stored_bytes += row.stored_bytes
        self.texts_cut += row.texts_cut
        group = self.by_agent_and_day[row.agent_id, row.day]
        group["rows"] += 1
        group["raw_bytes"] += row.raw_bytes
        group["stored_bytes"] += row.stored_bytes

    def end(self, state: str) -> None:
        self.state, self.ended_at = state, datetime.now(UTC)

    def fail(self, error: BaseException) -> None:
        """The text of an error of ours is fit to be shown; of any other only the type is."""
        ours = error if isinstance(error, SluiceError) else SluiceError(type(error).__name__)
        self.failure = {"step": ours.step, "error": str(ours), "hint": ours.hint}
        self.end("failed")

    def body(self) -> dict[str, Any]:
        """The answer to the caller, as JSON: sizes in bytes, durations in seconds, times in UTC."""
        body: dict[str, Any] = {
            "run_id": self.run_id,
            "kind": self.order.kind.value,
            "state": self.state,
            "dry_run": self.order.dry_run,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "window": {"since": self.window_start.isoformat(), "until": self.window_end.isoformat()},
            "users": {name: self.users[name] for name in USERS},
            "errors": dict(self.errors),
            "conversations": {name: self.conversations[name] for name in CONVERSATIONS},
            "messages": self.messages,
            "bytes": {"raw": self.raw_bytes, "stored": self.stored_bytes},
            "texts_cut": self.texts_cut,
            "api_calls": self.api_calls,
            "stages": self.stages,
            "jobs": self.jobs,
            "adopted": self.adopted,
        }
        if self.ratings is not None:
            body["ratings"] = self.ratings
        if self.order.dry_run:
            body["would_load"] = [
                {"agent_id": agent_id, "day": day, **counts}
                for (agent_id, day), counts in sorted(self.by_agent_and_day.items())
            ]
        return body

    def ledger_row(self) -> dict[str, Any]:
        """The run's row of sync_runs."""
        return {
            "run_id": self.run_id,
            "kind": self.order.kind.value,
            "state": self.state,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "window_start": self.window_start,
            "window_end": self.window_end,
            "version": __version__,
            "requested": self.order.requested,
            **self.counts(),
            "errors": dict(self.errors),
            "stages": self.stages,
            "jobs": self.jobs,
            "failure": self.failure,
        }

    def summary(self) -> dict[str, Any]:
        """The fields of the one log line that alerts and metrics look for."""
        return {
            "event": "run_summary",
            "kind": self.order.kind.value,
            "state": self.state,
            "dry_run": self.order.dry_run,
            **self.counts(),
            "adopted": len(self.adopted),
            "errors": dict(self.errors),
            "seconds": round(((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds(), 3),
            **({"failure": self.failure} if self.failure else {}),
        }

    def counts(self) -> dict[str, int]:
        return {
            **{f"users_{name}": self.users[name] for name in USERS},
            **{f"conversations_{name}": self.conversations[name] for name in CONVERSATIONS},
            "messages": self.messages,
            "raw_bytes": self.raw_bytes,
            "stored_bytes": self.stored_bytes,
            "api_calls": self.api_calls,
        }


USERS = ("seen", "finished", "skipped", "failed", "unfinished")
CONVERSATIONS = ("listed", "fetched", "unchanged", "rejected", "vanished", "rechecked", "unannounced")
