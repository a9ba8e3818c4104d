"""The population of a simulated Looker: users, agents and conversations, the same for the same seed, and its truth."""

import threading
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from local.looker.cast import AGENT_NAMES, EXPLORES, Standing, User, make_agent, make_user
from local.looker.conversations import Conversation, settled
from local.looker.messages import Shape
from local.looker.turns import LONGEST_TURN

SHAPES = (Shape.PLAIN, Shape.DEBUG) * 4 + (Shape.PLAIN, Shape.SNAKE)
MEASURES = ("Net revenue", "Sessions", "Overdue invoices", "Ticket backlog", "Umsatz „brutto“", "売上")
# The share of conversations that goes to the first user before the rest is dealt by weight.
HEAVY_SHARE = 0.35
# Measured: a conversation weighs about 14 KB before any heavy part, and 65 % of what is granted to those gets used.
LIGHT_KB = 14.0
HEAVY_USE = 0.65


@dataclass(frozen=True, slots=True)
class Changes:
    """What `advance` did: ids of conversations created, updated and soft-deleted, and the users that joined."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]
    users: tuple[str, ...]


class Population:
    """Users and conversations of the ~30 days before `now`; deterministic for the same arguments.

    Another `now` moves every moment with it and changes nothing else.

    Safe to read from the server's thread while another thread calls `advance`: every change swaps in a new dict.
    Nothing heavy is held; a conversation is a record of a few hundred bytes, rendered on demand.
    """

    def __init__(
        self,
        seed: int = 7,
        users: int = 12,
        conversations: int = 120,
        mean_kb: float = 24.0,
        now: datetime | None = None,
        days: int = 30,
    ) -> None:
        """`mean_kb` is about the mean size of a body in KB (1,000 bytes); below 16 the messages themselves weigh more.

        `now` (aware) defaults to the current minute; give it to get the same bytes tomorrow.

        Raises ValueError for a count below one, a size that is not positive, or a `now` without a time zone.
        """
        if users < 1 or conversations < 0 or mean_kb <= 0 or days < 1:
            raise ValueError("users and days must be at least 1, conversations at least 0, mean_kb more than 0")
        if now is not None and now.tzinfo is None:
            raise ValueError("now must carry a time zone, for instance datetime.now(UTC)")
        self.seed = seed
        self.now = (now or datetime.now(UTC).replace(second=0)).astimezone(UTC).replace(microsecond=0)
        self.mean_kb = mean_kb
        self._lock = threading.Lock()
        self._size = conversations
        begin = self.now - timedelta(days=days)
        self._agents = tuple(make_agent(index, begin) for index in range(len(AGENT_NAMES)))
        self._users = {user.key: user for user in (make_user(index, begin) for index in range(users))}
        self._owners = tuple(self._users)
        self._weights = tuple(accumulate(user.weight for user in self.users))
        self._conversations: dict[str, Conversation] = {}
        self._by_user: dict[str, tuple[str, ...]] = {}
        made = [self._make(number, begin, self.now) for number in range(conversations)]
        self._store(*(replace(each, deleted=each.number % 13 == 6) for each in made))

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody, in the order they joined."""
        return tuple(self._users.values())

    def user(self, user_id: str) -> User | None:
        """The user of that id, if there ever was one."""
        return self._users.get(user_id)

    def discoverable(self) -> tuple[User, ...]:
        """The users System Activity shows by now; disabled and deleted ones linger there."""
        return tuple(user for user in self.users if user.visible_from <= self.now)

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id, soft-deleted or not."""
        return self._conversations.get(conversation_id)

    def conversations_of(self, user_id: str) -> tuple[Conversation, ...]:
        """The conversations a user owns, soft-deleted ones included, ordered by id."""
        # The ids first: `_store` swaps the conversations in before the index, so no id can be missing.
        ids = self._by_user.get(user_id, ())
        held = self._conversations
        return tuple(held[conversation_id] for conversation_id in ids)

    def reachable(self, since: datetime | None = None, include_deleted: bool = False) -> tuple[str, ...]:
        """Ids a sync must find by now: owner discoverable and active, updated at or after `since`; sorted."""
        owners = {user.key for user in self.discoverable() if user.standing is Standing.ACTIVE}
        return tuple(
            sorted(
                each.id
                for each in self._conversations.values()
                if each.user_id in owners
                and (include_deleted or not each.deleted)
                and (since is None or each.updated_at >= since)
            )
        )

    def expected(self, conversation_id: str) -> dict[str, Any]:
        """The row the warehouse must hold for a conversation, but raw_bytes, stored_bytes, run_id and ingested_at.

        Moments are aware datetimes, JSON columns are Python values. Raises KeyError for an unknown id.
        """
        return self._conversations[conversation_id].expected()

    def turns(self, conversation_id: str) -> list[dict[str, Any]]:
        """What is true about each turn (the fields of `turns.Turn`), in order. Raises KeyError for an unknown id."""
        return [turn.as_dict() for turn in self._conversations[conversation_id].turns()]

    def advance(self, days: int = 1) -> Changes:
        """Let `days` pass: new conversations, new turns in old ones, a soft delete and a new user each day.

        The new user holds a conversation at once but shows in System Activity only a day later.
        """
        if days < 1:
            raise ValueError("days must be at least 1")
        with self._lock:
            passed = [self._next_day() for _ in range(days)]
        return Changes(
            *(
                tuple(dict.fromkeys(item for changes in passed for item in getattr(changes, name)))
                for name in ("created", "updated", "deleted", "users")
            )
        )

    def _next_day(self) -> Changes:
        start, end = self.now, self.now + timedelta(days=1)
        # By the day's number (one user joins a day), not by its date: else each hour would have days of its own.
        rng = Random(f"{self.seed}/day/{len(self._users)}")
        newcomer = make_user(12 * (len(self._users) + 1), end + timedelta(days=1))
        self._users = {**self._users, newcomer.key: newcomer}
        number = len(self._conversations)
        fresh = [self._make(number + index, start, end) for index in range(max(2, self._size // 20))]
        fresh[0] = replace(fresh[0], user_id=newcomer.key)
        alive = sorted(self.reachable())
        chosen = [self._conversations[each] for each in rng.sample(alive, min(len(alive), max(2, self._size // 12)))]
        gone, resumed = chosen[:1], chosen[1:]
        moments = [start + (end - start - LONGEST_TURN) * rng.random() for _ in chosen]
        gone = [replace(each, deleted=True, updated_at=_milli(moments[0])) for each in gone]
        resumed = [_resume(each, moment) for each, moment in zip(resumed, moments[1:], strict=True)]
        self._store(*fresh, *resumed, *gone)
        self.now = end
        return Changes(_ids(fresh), _ids(resumed), _ids(gone), (newcomer.key,))

    def _store(self, *changed: Conversation) -> None:
        self._conversations = {**self._conversations, **{each.id: each for each in changed}}
        owned: dict[str, list[str]] = {}
        for each in sorted(self._conversations.values(), key=lambda each: each.id):
            owned.setdefault(each.user_id, []).append(each.id)
        self._by_user = {user_id: tuple(ids) for user_id, ids in owned.items()}

    def _make(self, number: int, begin: datetime, end: datetime) -> Conversation:
        rng = Random(f"{self.seed}/conversation/{number}")
        turns = 0 if number % 17 == 8 else 1 + min(7, int(rng.expovariate(0.5)))
        created = begin + (end - begin - timedelta(hours=1)) * rng.random()
        asked = tuple(_milli(created + timedelta(seconds=5 + 200 * index)) for index in range(turns))
        missing_agent = number % 11 == 5
        agent = None if missing_agent or number % 7 == 3 else self._agents[number % len(self._agents)]
        explore = rng.randrange(len(EXPLORES))
        return Conversation(
            seed=self.seed,
            number=number,
            id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            user_id=self._owner(rng),
            name=f"{rng.choice(MEASURES)} {number}",
            category="dashboard" if number % 6 == 1 else "conversation",
            agent=agent,
            missing_agent=missing_agent,
            explore=explore,
            created_at=_milli(created),
            updated_at=settled(asked[-1]) if asked else _milli(created),
            asked=asked,
            shape=SHAPES[number % len(SHAPES)],
            free_form=number % 19 == 9,
            skew=timedelta(seconds=rng.choice((-40, 30, 600))) if number % 9 == 4 else timedelta(),
            turn_bytes=self._turn_bytes(rng, turns),
        )

    def _owner(self, rng: Random) -> str:
        if rng.random() < HEAVY_SHARE:
            return self._owners[0]
        return rng.choices(self._owners, cum_weights=self._weights)[0]

    def _turn_bytes(self, rng: Random, turns: int) -> int:
        """Weight of a turn: conversations differ by a log-normal factor of mean one."""
        factor = min(6.0, rng.lognormvariate(-0.32, 0.8))
        heavy = max(0.0, self.mean_kb - LIGHT_KB) / HEAVY_USE
        return int(heavy * 1000 * factor / max(1, turns))


def _resume(conversation: Conversation, moment: datetime) -> Conversation:
    asked = (*conversation.asked, _milli(moment))
    return replace(conversation, asked=asked, updated_at=settled(asked[-1]))


def _milli(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _ids(conversations: list[Conversation]) -> tuple[str, ...]:
    return tuple(each.id for each in conversations)
