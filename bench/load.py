"""What one measurement is about: how many users hold how many conversations of which size, and how far Looker is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WATERMARK = datetime(2026, 1, 10, 1, tzinfo=UTC)
"""Where everybody is when a daily run is measured."""
ACTIVE_AT = WATERMARK + timedelta(hours=10)


@dataclass(frozen=True)
class Load:
    """One population and one way to reach it.

    Users are numbered from 1; `heavy` of the conversations belong to user 1, the others are dealt evenly. The first
    `active` users have one conversation that changed after WATERMARK, everything else is older by days. Latency in
    seconds, of Looker and of each chunk of the upload; sizes in KB (1,000 bytes).
    """

    users: int
    conversations: int
    kb: int = 250
    heavy: int = 0
    active: int = 0
    latency: float = 0.08
    put_latency: float = 0.0
    workers: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.heavy <= self.conversations or self.users < 1 or not 0 <= self.active <= self.users:
            raise ValueError("a load needs users, and no more heavy conversations or active users than there are")

    def owned(self, user: int) -> int:
        """How many conversations a user has."""
        each, left = divmod(self.conversations - self.heavy, self.users)
        return each + (user <= left) + (self.heavy if user == 1 else 0)

    def updated_at(self, user: int, position: int) -> str:
        """RFC 3339 time at which a user's conversation changed; position 0 is the newest."""
        if position == 0 and user <= self.active:
            return ACTIVE_AT.isoformat()
        return (WATERMARK - timedelta(days=3, minutes=position)).isoformat()

    def active_at(self, user: int) -> str:
        """When the user was last seen, as System Activity writes it: UTC, without saying so."""
        seen = ACTIVE_AT if user <= self.active else WATERMARK - timedelta(days=3)
        return f"{seen:%Y-%m-%d %H:%M:%S}"

    @property
    def user_ids(self) -> range:
        return range(1, self.users + 1)


def conversation_id(user: int, position: int) -> str:
    return f"{user:08x}-0000-4000-8000-{position:012x}"


def parse_id(conversation_id: str) -> tuple[int, int]:
    """(user, position) of an id. Raises ValueError for any other text."""
    user, *_, position = conversation_id.split("-")
    return int(user, 16), int(position, 16)
