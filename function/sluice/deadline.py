"""How long a run may still take: one deadline that fetching, uploading, loading, committing and polling share."""

import time


class Deadline:
    """A moment of `time.monotonic()`; thread-safe, since nothing changes it.

    Args:
        seconds: from now on; infinite by default
    """

    def __init__(self, seconds: float = float("inf")) -> None:
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self.at
