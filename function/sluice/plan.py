"""What a run is asked to do, and the window of every user that follows from it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sluice.errors import DiscoveryFailed
from sluice.looker.window import Window
from sluice.settings import Settings
from sluice.warehouse.ledger import Position, Watermark

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ASKED_AGAIN_AFTER = timedelta(days=7)
"""So long a user who cannot be read is remembered, and not asked for."""
MAX_FAILED_RUNS = 3
"""After so many runs in a row that failed for one user alone, what is still refused is given up."""
RECHECKED_FOR = timedelta(days=2)
"""So long after its last change a held conversation may be fetched again."""
QUERY_HINT = (
    "Run the query LOOKER_USER_QUERY_ID in Looker: its filters, its time range and the rights of the API user must let "
    "it return every user of Conversational Analytics."
)

log = logging.getLogger(__name__)


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
class Choice:
    """Whom a run asks for, and whom not: `idle` had no activity, `skipped` could not be read lately."""

    windows: list[Window] = field(default_factory=list)
    idle: int = 0
    skipped: int = 0

    @property
    def seen(self) -> int:
        return len(self.windows) + self.idle + self.skipped


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

    @property
    def plain(self) -> bool:
        """Whether the request narrows or widens nothing."""
        return self.order.requested is None

    def choose(self, found: Mapping[str, datetime | None]) -> Choice:
        """Windows of the users found, by until when each may have been active, and of those who are owed one."""
        windows, idle, skipped = [], 0, 0
        for window in self.windows([*found, *self._owed(found)]):
            if self.remembers(window.user_id):
                skipped += 1
            elif self.leaves_out(window, found.get(window.user_id)):
                idle += 1
            else:
                windows.append(window)
        return Choice(windows, idle, skipped)

    def _owed(self, found: Mapping[str, datetime | None]) -> list[str]:
        """Users who are owed a window and are not found any more. A request that names what it wants, wants no more."""
        if not self.plain:
            return []
        users = self.position.users.items()
        return [id for id, user in users if user.owed_since is not None and id not in found and not self.remembers(id)]

    def remembers(self, user_id: str) -> bool:
        """Whether the user could not be read lately. Users the request names are asked for all the same."""
        user = self.position.users.get(user_id)
        if self.order.users or user is None or user.skipped_reason is None or user.skipped_at is None:
            return False
        return user.skipped_at > self.started_at - ASKED_AGAIN_AFTER

    @property
    def rechecks(self) -> bool:
        """Whether some of what is held is fetched again, to see whether `updated_at` tells every change."""
        return self.order.kind is Kind.DAILY and self.plain

    def doubts(self, found: int) -> dict[str, int]:
        """Whether discovery found users enough to be believed: errors by class, with the number of users missing.

        Raises:
            DiscoveryFailed: it found no user, and the ledger knows some.
        """
        if self.order.users or 2 * found >= max(self.position.most_seen, 1):
            return {}
        if not found and self.position.users:
            known = len(self.position.users)
            raise DiscoveryFailed(f"discovery returned no user, and the ledger knows {known}", hint=QUERY_HINT)
        log.warning(
            "discovery found far fewer users than before: %s",
            QUERY_HINT,
            extra={"event": "discovery_shrunk", "found": found, "seen_before": self.position.most_seen},
        )
        return {"DiscoveryShrunk": self.position.most_seen - found} if found else {"DiscoveryEmpty": 1}

    def windows(self, users: Iterable[str]) -> list[Window]:
        since = self.started_at - RECHECKED_FOR if self.rechecks else None
        return [
            Window(user_id, self._since(user_id), self.until, since, self._is_last_chance(user_id)) for user_id in users
        ]

    def _is_last_chance(self, user_id: str) -> bool:
        user = self.position.users.get(user_id)
        return user is not None and user.failed_runs >= MAX_FAILED_RUNS

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
        daily = self.order.kind is Kind.DAILY and self.plain
        return daily and settled and active_until is not None and active_until < window.since

    def anchors(self, window: Window) -> bool:
        """Whether the window may set a first watermark: nothing before it is wanted."""
        return window.since <= self.floor


def earliest(windows: Sequence[Window], otherwise: datetime) -> datetime:
    return min((window.since for window in windows), default=otherwise)
