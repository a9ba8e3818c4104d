"""A population written by hand, for the simulated Looker to serve: canonical rows in, the shapes Looker sends out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from local.looker.cast import Standing
from local.looker.population import Population

type Json = dict[str, Any]

ENVELOPE = ("id", "type", "order")
# What a run finds out for itself.
OURS = {"messages", "message_count", "raw_bytes", "stored_bytes", "run_id", "ingested_at"}
ROWS = [{"users.country": "US", "orders.total": 1}] * 3


@dataclass(frozen=True, slots=True)
class _User:
    key: str
    id: int
    standing: Standing = Standing.ACTIVE

    @property
    def email(self) -> str:
        return f"{self.key}@example.com"


@dataclass(frozen=True, slots=True)
class _Conversation:
    row: Mapping[str, Any]
    debug: bool

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def user_id(self) -> str:
        return str(self.row["user_id"])

    @property
    def deleted(self) -> bool:
        return bool(self.row["deleted"])

    @property
    def updated_at(self) -> datetime:
        return datetime.fromisoformat(self.row["updated_at"]).astimezone(UTC)

    def fields(self, names: Iterable[str]) -> Json:
        return {name: self.row[name] for name in names if name in self.row and name not in OURS}

    def sent(self) -> list[Json] | None:
        messages = self.row.get("messages")
        return None if messages is None else [_sent(message, debug=self.debug) for message in messages]

    def body(self) -> bytes:
        head = {name: value for name, value in self.row.items() if name not in OURS}
        return msgspec.json.encode({**head, "messages": self.sent()})


class _Handwritten:
    """As much of a population as the simulated Looker asks of one."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._conversations = [_Conversation(row, debug=number % 2 == 0) for number, row in enumerate(rows)]
        names = sorted({each.user_id for each in self._conversations})
        self._users = {name: _User(name, number) for number, name in enumerate(names, start=1)}

    def user(self, key: str) -> _User | None:
        return self._users.get(key)

    def discoverable(self) -> list[_User]:
        return list(self._users.values())

    def conversation(self, id: str) -> _Conversation | None:
        return next((each for each in self._conversations if each.id == id), None)

    def conversations_of(self, key: str) -> list[_Conversation]:
        return [each for each in self._conversations if each.user_id == key]


def handwritten(rows: Iterable[Mapping[str, Any]]) -> Population:
    """Every second conversation in the debug shape, the others plain, heavy parts put back."""
    return cast(Population, _Handwritten(rows))


def _sent(message: Json, *, debug: bool) -> Json:
    """A message in its envelope; one that says what it is itself, as applications store them, is left alone."""
    if "userMessage" not in message and "systemMessage" not in message:
        return message
    outer = {key: value for key, value in message.items() if key in ENVELOPE}
    inner = {key: value for key, value in message.items() if key not in ENVELOPE}
    if "systemMessage" in inner:
        inner["systemMessage"] = _heavy(inner["systemMessage"])
    if debug and "systemMessage" in inner:
        response = {"status": 200, "data": inner}
        inner = {"debugInfo": {"request": {"headers": "x" * 5000}, "response": response}}
    return {**outer, "message": inner}


def _heavy(content: Json) -> Json:
    """With what pruning takes away again."""
    content = {**content, "thoughtSignature": "c2lnbmVk" * 200}
    if isinstance(result := (content.get("data") or {}).get("result"), dict) and result.get("rowCount") == len(ROWS):
        content["data"] = {**content["data"], "result": {**result, "data": ROWS, "formattedData": ROWS}}
    return content
