"""What all workers of a run share about Looker's health: when to wait, when to stop."""

import random
import threading
import time

SPREAD_SECONDS = 0.5


class Brake:
    """Thread-safe.

    Args:
        deadline: `time.monotonic()` after which nothing waits any more
        patience: requests in a row that may stay unanswered before Looker counts as down
    """

    def __init__(self, *, deadline: float = float("inf"), patience: int = 10) -> None:
        self._deadline = deadline
        self._patience = patience
        self._stopped = False
        self._changed = threading.Condition()
        self._free_at = 0.0
        self._unanswered = 0

    @property
    def expired(self) -> bool:
        """True once the run's time is over."""
        return time.monotonic() >= self._deadline

    @property
    def ending(self) -> bool:
        """True once nothing new is to be sent: the run's time is over, or it was stopped."""
        return self._stopped or self.expired

    @property
    def exhausted(self) -> bool:
        """True when so many requests in a row stayed unanswered that Looker counts as down."""
        return self._unanswered >= self._patience

    @property
    def deadline(self) -> float:
        """`time.monotonic()` after which no new work starts."""
        return self._deadline

    def bring_forward(self, deadline: float) -> None:
        """End the fetching earlier: what is staged needs time to be committed. Never moves it back."""
        with self._changed:
            self._deadline = min(self._deadline, deadline)
            self._changed.notify_all()

    def stop(self) -> None:
        """Nothing waits or tries again from now on: the run is ending."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until everybody may send again, and then a little, so that not all do at once."""
        while (pause := self._free_at - time.monotonic()) > 0:
            if not self._sleep_until(time.monotonic() + pause + random.uniform(0, SPREAD_SECONDS)):
                return

    def hold(self, seconds: float) -> bool:
        """Let everybody wait; False where the run's time ends before."""
        with self._changed:
            self._free_at = max(self._free_at, min(time.monotonic() + seconds, self._deadline))
        return self.sleep(seconds)

    def sleep(self, seconds: float) -> bool:
        """Wait alone; False, at once, where the run ends before: also where its end is brought forward meanwhile."""
        end = time.monotonic() + seconds
        return end < self._deadline and self._sleep_until(end)

    def _sleep_until(self, end: float) -> bool:
        """False, at once, where the run was stopped, and where its time is over before the end."""
        with self._changed:
            while (left := end - time.monotonic()) > 0:
                if self._stopped or self.expired:
                    return False
                self._changed.wait(min(left, max(0.0, self._deadline - time.monotonic()), threading.TIMEOUT_MAX))
        return not self._stopped

    def answered(self) -> None:
        with self._changed:
            self._unanswered = 0

    def unanswered(self) -> None:
        with self._changed:
            self._unanswered += 1
