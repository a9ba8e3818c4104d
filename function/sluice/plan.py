"""What a run is asked to do, and the window of every user that follows from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sluice.looker.fanout import Window
from sluice.settings import Settings
from sluice.warehouse.ledger import Position, Watermark

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    DAILY = "daily"
    """What changed since each user's last committed sync."""
    HISTORICAL = "historical"
    """Everything."""


@dataclass(frozen=True, slots=True)
class Order:
    """A request to run. `since`, `until` and `users` replace what the ledger would give; UTC."""

    kind: Kind
    since: datetime | None = None
    until: datetime | None = None
    users: tuple[str, ...] | None = None
    refetch: bool = False
    dry_run: bool = False

    @property
    def requested(self) -> dict[str, Any] | None:
        """The parameters that make it other than a plain run; None for a plain one."""
        given = {
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "users": self.users and list(self.users),
            "refetch": self.refetch or None,
        }
        return {key: value for key, value in given.items() if value is not None} or None


@dataclass(frozen=True, slots=True)
class Plan:
    """Windows from the ledger's position.

    A user's window begins at their watermark less the overlap, earlier where a window is owed. A user without a
    watermark begins where the ledger began (System Activity shows users hours late), and before the first run, at the
    start of the day `lookback_days` ago.
    """

    order: Order
    position: Position
    started_at: datetime
    overlap: timedelta
    lookback: timedelta

    @classmethod
    def of(cls, order: Order, position: Position, started_at: datetime, settings: Settings) -> "Plan":
        overlap, lookback = timedelta(minutes=settings.overlap_minutes), timedelta(days=settings.lookback_days)
        return cls(order, position, started_at, overlap, lookback)

    @property
    def floor(self) -> datetime:
        """Where a user without a watermark begins."""
        midnight = self.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
        return self.position.began or midnight - self.lookback

    @property
    def since(self) -> datetime:
        """Where the run as a whole begins, before its users are known."""
        if self.order.since is not None:
            return self.order.since
        return BEGINNING if self.order.kind is Kind.HISTORICAL else self.floor

    @property
    def until(self) -> datetime:
        """Where every window ends: what changes during the run is the next one's."""
        return min(self.order.until or self.started_at, self.started_at)

    def windows(self, users: Iterable[str]) -> list[Window]:
        return [Window(user_id, self._since(user_id), self.until) for user_id in users]

    def _since(self, user_id: str) -> datetime:
        if self.order.since is not None or self.order.kind is Kind.HISTORICAL:
            return self.since
        user = self.position.users.get(user_id, Watermark(None, None))
        starts = [self.floor if user.watermark is None else user.watermark - self.overlap]
        if user.owed_since is not None:
            starts.append(user.owed_since)
        return min(starts)

    def leaves_out(self, window: Window, active_until: datetime | None) -> bool:
        """Whether a user need not be asked for: no activity since the window begins, in a plain daily run.

        System Activity is hours late, so this is no news of the last hours. Nothing is lost by it, because the user's
        watermark stays: the run that does see the activity begins there. Who has no watermark yet, or is owed a window,
        is always asked for.
        """
        user = self.position.users.get(window.user_id)
        settled = user is not None and user.watermark is not None and user.owed_since is None
        plain = self.order.kind is Kind.DAILY and self.order.requested is None
        return plain and settled and active_until is not None and active_until < window.since

    def anchors(self, window: Window) -> bool:
        """Whether the window may set a first watermark: nothing before it is wanted."""
        return window.since <= self.floor


def earliest(windows: Sequence[Window], otherwise: datetime) -> datetime:
    return min((window.since for window in windows), default=otherwise)
