"""A conversation of Looker -> the lines of the warehouse's staging table. The only place that knows both shapes."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, overload

from sluice.looker import secrets
from sluice.looker.conversations import Conversation, Unreadable
from sluice.looker.feedback import Rating
from sluice.looker.times import timestamp
from sluice.looker.window import Window
from sluice.report import Row
from sluice.warehouse.definitions import schema, staging_schema
from sluice.warehouse.rows import (
    LONGEST_PART_BYTES,
    PART_CHARACTERS,
    Encoded,
    Encoder,
    Parts,
    RowError,
    encode_array,
    encode_json,
    partition_day,
)

_OURS = {"messages", "message_count", "raw_bytes", "stored_bytes", "extra", "run_id", "ingested_at"}
_MOMENTS = ("created_at", "updated_at")
_COLUMNS = {field.name: field.field_type for field in schema("conversations") if field.name not in {*_OURS, *_MOMENTS}}
_SENT = ("id", "user_id", "updated_at", "run_id", "ingested_at")


class Converter:
    """Called by the workers. What cannot become a row of conversations becomes rows of rejects.

    Args:
        run_id: written into every row
        max_string_bytes: longer texts are cut
        keep_raw_rejects: whether a reject holds the body as Looker sent it, heavy and secret parts included
    """

    def __init__(self, run_id: str, max_string_bytes: int, *, keep_raw_rejects: bool = False) -> None:
        self._run_id = run_id
        self._max_string_bytes = max_string_bytes
        self._keep_raw_rejects = keep_raw_rejects
        self._encoder = Encoder(staging_schema(), max_string_bytes)

    def __call__(self, window: Window, found: Conversation | Unreadable) -> tuple[Row, int]:
        if isinstance(found, Unreadable):
            row = self._reject(window, found, found.reason, found.rest)
        else:
            try:
                row = self._row(window, found)
            except (RowError, RecursionError) as error:
                reason = str(error) if isinstance(error, RowError) else "nested too deep"
                row = self._reject(window, found, reason, found.fields | {"messages": found.messages})
        return row, row.size

    def _row(self, window: Window, found: Conversation) -> Row:
        values, messages, line = self._line(window, found)
        # One look at the finished line tells of nearly all conversations that no secret is in them.
        if secrets.may_hold(line.text) and secrets.drop([found.fields, found.messages]):
            values, messages, line = self._line(window, found)
        return Row(
            lines=(line.text,),
            rejected=False,
            agent_id=str(values.get("agent_id") or ""),
            day=values["created_at"].date().isoformat(),
            messages=len(found.messages),
            raw_bytes=len(found.body),
            stored_bytes=len(messages.text),
            texts_cut=line.cut,
            sent=self._sent(values),
        )

    def _sent(self, row: dict[str, Any]) -> bytes:
        """That the row was sent, in a line that BigQuery cannot refuse where it refuses the row."""
        return self._encoder.encode({"kind": "sent"} | {name: row[name] for name in _SENT if name in row}).text

    def _line(self, window: Window, found: Conversation) -> tuple[dict[str, Any], Encoded, Encoded]:
        messages = encode_array(found.messages, self._max_string_bytes)
        own = {key: value for key, value in found.fields.items() if key in _COLUMNS and _fits(_COLUMNS[key], value)}
        read = {name: timestamp(found.fields.get(name)) for name in _MOMENTS}
        extra = {key: value for key, value in found.fields.items() if key not in own and not read.get(key)}
        extra = {key: value for key, value in extra.items() if value is not None or key not in _MOMENTS}
        values = {
            **own,
            **_moments(read, found),
            "id": _present(own.get("id"), found.listed.id),
            "user_id": _present(own.get("user_id"), window.user_id),
            "deleted": found.listed.deleted if own.get("deleted") is None else own["deleted"],
            "kind": "conversation",
            "messages": messages,
            "message_count": len(found.messages),
            "raw_bytes": len(found.body),
            "stored_bytes": len(messages.text),
            "extra": extra or None,
            "run_id": self._run_id,
            "ingested_at": found.fetched_at,
        }
        return values, messages, self._encoder.encode(values)

    def _reject(
        self, window: Window, found: Conversation | Unreadable, reason: str, rest: dict[str, Any] | None
    ) -> Row:
        pieces = Parts(found.body) if self._keep_raw_rejects and found.body else self._pruned(rest)
        row = {
            "kind": "reject",
            "id": found.listed.id,
            "user_id": window.user_id,
            "updated_at": found.listed.updated_at,
            "reason": reason,
            "bytes": len(found.body) if found.body else None,
            "sha256": hashlib.sha256(found.body).hexdigest() if found.body else None,
            "parts": len(pieces),
            "run_id": self._run_id,
            "ingested_at": found.fetched_at,
        }
        lines = _Pieces(row, pieces)
        # A large body is not held a second time: its lines are made when they are sent.
        held = tuple(lines) if len(found.body) <= PART_CHARACTERS else lines
        return Row(held, True, "", "", 0, len(found.body), 0, 0, self._sent(row))

    def _pruned(self, rest: dict[str, Any] | None) -> Sequence[str | None]:
        """What is left of a body without its heavy and secret parts; None where it could not be taken apart."""
        if rest is None:
            return (None,)
        try:
            secrets.drop(rest)
            return Parts(encode_json(rest, self._max_string_bytes).text)
        except (RowError, RecursionError):
            return (None,)


class _Pieces(Sequence[bytes]):
    """The lines of a reject, each made when it is asked for: the body may be large."""

    def __init__(self, row: dict[str, Any], pieces: Sequence[str | None]) -> None:
        self._row, self._pieces = row, pieces

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        encoder = Encoder(staging_schema(), LONGEST_PART_BYTES)
        for number, piece in enumerate(self._pieces, start=1):
            yield encoder.encode({**self._row, "part": number, "raw": piece}).text

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        return list(self)[index]


def rating_lines(ratings: Iterable[Rating], run_id: str, max_string_bytes: int) -> list[bytes]:
    """Ratings as lines of the staging table."""
    encoder, now = Encoder(staging_schema(), max_string_bytes), datetime.now(UTC)
    shared = {"kind": "feedback", "run_id": run_id, "ingested_at": now}
    return [encoder.encode({**shared, **asdict(each)}).text for each in ratings]


def _present(value: Any, known: str) -> Any:
    """An id, or the one that the conversation was asked for by."""
    return known if value in (None, "") else value


def _fits(kind: str, value: Any) -> bool:
    """Whether a value is of the kind of its column; one of another kind is kept in `extra`.

    JSON columns get objects and arrays only: whether a bare text would be read as JSON is not documented.
    """
    if value is None:
        return True
    if kind == "JSON":
        return isinstance(value, dict | list)
    return (
        isinstance(value, bool)
        if kind in {"BOOL", "BOOLEAN"}
        else isinstance(value, str | int | float) and not isinstance(value, bool)
    )


def _moments(read: dict[str, datetime | None], found: Conversation) -> dict[str, datetime]:
    """When the conversation was created and updated.

    Raises:
        RowError: created_at cannot be read or has no partition, updated_at is nowhere.
    """
    created_at, updated_at = read["created_at"], read["updated_at"] or found.listed.updated_at
    if created_at is None:
        missing = found.fields.get("created_at") is None
        raise RowError("created_at is missing" if missing else "created_at is not a valid TIMESTAMP")
    if updated_at is None:
        raise RowError("updated_at is missing")
    partition_day(created_at)
    return {"created_at": created_at, "updated_at": updated_at}
