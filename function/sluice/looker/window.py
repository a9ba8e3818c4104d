"""What a run wants of one user, and which of their conversations that covers."""

from dataclasses import dataclass
from datetime import datetime

from sluice.looker.conversations import Listed


@dataclass(frozen=True, slots=True)
class Window:
    """Conversations of one user that changed from `since` to `until`, both included.

    `recheck_since`: held conversations changed from here on may be fetched again, to see what their time does not tell.
    `last_chance`: the user failed so many runs in a row that what Looker still refuses is no longer waited for.
    """

    user_id: str
    since: datetime
    until: datetime
    recheck_since: datetime | None = None
    last_chance: bool = False

    @property
    def listed_since(self) -> datetime:
        """How far back the listing is read."""
        return min(self.since, self.recheck_since or self.since)

    def covers(self, listed: Listed) -> bool:
        """Whether the conversation may have changed inside the window; one without a readable time may have."""
        if listed.updated_at is None or listed.latest is None:
            return True
        return listed.updated_at <= self.until and listed.latest >= self.since
