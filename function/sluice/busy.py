"""One run at a time in this process, and a plain word to whoever asks for a second.

Reading is never refused. Another instance (deployments overlap) is kept apart by the commit, not by this.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sluice.errors import Retryable, SluiceError

SCHEDULER_HEADER = "X-CloudScheduler"
"""`true` on every call of Cloud Scheduler (its REST reference, HttpTarget.headers)."""


class RunUnderWay(SluiceError):
    """A person asked for a run while one is under way (409): they see which, and decide."""

    step = "start"
    hint = "Look at it with GET /runs, and send the request again when it has ended."

    @property
    def status(self) -> int:
        return 409


class ScheduleUnderWay(RunUnderWay, Retryable):
    """Cloud Scheduler asked (503): it asks again by itself."""

    @property
    def status(self) -> int:
        return 503


class Busy:
    """The run that is under way, if any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: tuple[str, datetime] | None = None

    @contextmanager
    def run(self, run_id: str, *, scheduled: bool) -> Iterator[None]:
        """Hold the only place for the time of a run.

        Raises:
            RunUnderWay, ScheduleUnderWay: another holds it; says which and since when.
        """
        with self._lock:
            if self._now:
                other, since = self._now
                refusal = ScheduleUnderWay if scheduled else RunUnderWay
                raise refusal(f"the run {other} is under way since {since.isoformat(timespec='seconds')}")
            self._now = run_id, datetime.now(UTC)
        try:
            yield
        finally:
            with self._lock:
                self._now = None
