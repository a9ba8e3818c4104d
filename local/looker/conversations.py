"""One conversation: a small record from which its body, its expected row and its turns are rendered on demand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from local.looker.cast import EXPLORES
from local.looker.messages import Message, Shape
from local.looker.turns import LONGEST_TURN, Plan, Turn, play

# Conversation `number` owns the message ids from number * MOST_MESSAGES on.
MOST_MESSAGES = 10_000

# What a search answers when no fields are asked for: everything but the messages.
LISTED = (
    "can",
    "id",
    "name",
    "category",
    "sources",
    "user_id",
    "agent_id",
    "deleted",
    "created_at",
    "updated_at",
    "conversation_agent",
    "missing_agent",
    "studio_conversation_id",
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that decides a conversation: same record, same bytes. `turn_bytes` is the weight of one turn.

    `agent` is the Agent object shared by its conversations, None when none was chosen or it was deleted.
    `asked` holds the moment of each question; a conversation without any has no messages.
    """

    seed: int
    number: int
    id: str
    user_id: str
    name: str
    category: str
    agent: dict[str, Any] | None
    missing_agent: bool
    explore: int
    created_at: datetime
    updated_at: datetime
    asked: tuple[datetime, ...]
    shape: Shape
    free_form: bool
    skew: timedelta
    turn_bytes: int
    deleted: bool = False

    @property
    def agent_id(self) -> str | None:
        return None if self.agent is None else str(self.agent["id"])

    def fields(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The named fields as the API writes them, ready for `msgspec.json.encode`; unknown names are ignored."""
        head = {key: value for key, value in self._head().items() if key in names}
        return {**head, "messages": self.sent()} if "messages" in names else head

    def body(self) -> bytes:
        """The answer of `GET /conversations/{id}`: every field, messages included."""
        return msgspec.json.encode({**self._head(), "messages": self.sent()})

    def sent(self) -> list[dict[str, Any]] | None:
        """The messages as Looker sends them; a conversation without any is an empty list, or null for odd numbers."""
        messages = [message.sent for message in self._messages()]
        return None if not messages and self.number % 2 else messages

    def expected(self) -> dict[str, Any]:
        """The row the warehouse must hold, but for the columns only a run can know; moments are aware, in UTC."""
        messages = [message.kept for message in self._messages()]
        head = self._head()
        row = {
            key: head.pop(key)
            for key in ("id", "user_id", "agent_id", "name", "category", "sources", "deleted", "missing_agent")
        }
        return {
            **row,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "messages": messages,
            "conversation_agent": head.pop("conversation_agent"),
            "message_count": len(messages),
            "extra": {key: value for key, value in head.items() if key not in ("created_at", "updated_at")},
        }

    def turns(self) -> list[Turn]:
        """What is true about each turn, in order."""
        return [turn for _, turn in self._played()]

    def _messages(self) -> list[Message]:
        return [message for messages, _ in self._played() for message in messages]

    def _played(self) -> list[tuple[list[Message], Turn]]:
        played: list[tuple[list[Message], Turn]] = []
        order = 0
        for index in range(len(self.asked)):
            played.append(play(self._plan(index), self.number * MOST_MESSAGES + order, order))
            order += len(played[-1][0])
        return played

    def _plan(self, index: int) -> Plan:
        explore = EXPLORES[(self.explore + index // 3) % len(EXPLORES)]
        return Plan(
            seed=f"{self.seed}/{self.number}/{index}",
            script=self.number + index,
            shape=self.shape,
            free_form=self.free_form,
            explore=explore,
            question=f'{self.name}, step {index + 1}: how does "{explore.fields[1]}" move? ça va \\o/ 🚀',
            asked=self.asked[index],
            skew=self.skew,
            size=self.turn_bytes,
        )

    def _head(self) -> dict[str, Any]:
        odd = {"pinned_by": ["7"]} if self.number % 10 == 4 else {}
        return {
            "can": {"show": True, "update": False},
            "id": self.id,
            "name": self.name,
            "category": self.category,
            "sources": [EXPLORES[self.explore].source],
            "user_id": self.user_id,
            "agent_id": self.agent_id,
            "deleted": self.deleted,
            "created_at": _moment(self.created_at, self.number),
            "updated_at": _moment(self.updated_at, self.number),
            "conversation_agent": self.agent,
            "missing_agent": self.missing_agent,
            "studio_conversation_id": None,
            **odd,
        }


def settled(last_question: datetime) -> datetime:
    """When a conversation counts as updated after its last question: once the turn is surely over."""
    return last_question + LONGEST_TURN


def _moment(moment: datetime, number: int) -> str:
    """Milliseconds, as the API writes them; both spellings of UTC occur."""
    text = moment.isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z") if number % 5 == 0 else text
