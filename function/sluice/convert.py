"""A conversation of Looker -> the lines of the warehouse's staging table. The only place that knows both shapes."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from sluice.looker.conversations import Conversation, Unreadable, timestamp
from sluice.looker.window import Window
from sluice.report import Row
from sluice.warehouse.definitions import schema, staging_schema
from sluice.warehouse.rows import (
    LONGEST_PART_BYTES,
    PART_CHARACTERS,
    Encoder,
    Parts,
    RowError,
    encode_array,
    partition_day,
)

_OURS = {"messages", "message_count", "raw_bytes", "stored_bytes", "extra", "run_id", "ingested_at"}
_COLUMNS = {field.name: field.field_type for field in schema("conversations") if field.name not in _OURS}
_SENT = ("id", "user_id", "updated_at", "run_id", "ingested_at")
_REQUIRED = [field.name for field in schema("conversations") if field.mode == "REQUIRED"]


class Converter:
    """Called by the workers. What cannot become a row of conversations becomes rows of rejects."""

    def __init__(self, run_id: str, max_string_bytes: int) -> None:
        self._run_id = run_id
        self._max_string_bytes = max_string_bytes
        self._encoder = Encoder(staging_schema(), max_string_bytes)

    def __call__(self, window: Window, found: Conversation | Unreadable) -> tuple[Row, int]:
        if isinstance(found, Unreadable):
            row = self._reject(window, found, found.reason)
        else:
            try:
                row = self._row(window, found)
            except (RowError, RecursionError) as error:
                row = self._reject(window, found, str(error) if isinstance(error, RowError) else "nested too deep")
        return row, row.size

    def _row(self, window: Window, found: Conversation) -> Row:
        messages = encode_array(found.messages, self._max_string_bytes)
        own = {key: value for key, value in found.fields.items() if _has_column(key, value)}
        extra = {key: value for key, value in found.fields.items() if key not in own}
        row = {
            **own,
            "kind": "conversation",
            "messages": messages,
            "message_count": len(found.messages),
            "raw_bytes": len(found.body),
            "stored_bytes": len(messages.text),
            "extra": extra or None,
            "run_id": self._run_id,
            "ingested_at": found.fetched_at,
        }
        if row.get("id") in (None, ""):
            row["id"] = found.listed.id
        if row.get("user_id") in (None, ""):
            row["user_id"] = window.user_id
        for name in _REQUIRED:
            if row.get(name) is None:
                raise RowError(f"{name} is missing")
        created_at = partition_day(timestamp(row.get("created_at")))
        line = self._encoder.encode(row)
        return Row(
            lines=(line.text,),
            rejected=False,
            agent_id=str(row.get("agent_id") or ""),
            day=created_at.date().isoformat() if created_at else "",
            messages=len(found.messages),
            raw_bytes=len(found.body),
            stored_bytes=len(messages.text),
            texts_cut=line.cut,
            sent=self._sent(row),
        )

    def _sent(self, row: dict[str, Any]) -> bytes:
        """That the row was sent, in a line that BigQuery cannot refuse where it refuses the row."""
        return self._encoder.encode({"kind": "sent"} | {name: row[name] for name in _SENT if name in row}).text

    def _reject(self, window: Window, found: Conversation | Unreadable, reason: str) -> Row:
        pieces = Parts(found.body)
        row = {
            "kind": "reject",
            "id": found.listed.id,
            "user_id": window.user_id,
            "updated_at": found.listed.updated_at,
            "reason": reason,
            "parts": len(pieces),
            "run_id": self._run_id,
            "ingested_at": found.fetched_at,
        }
        lines = _Pieces(row, pieces)
        # A large body is not held a second time: its lines are made when they are sent.
        held = tuple(lines) if len(found.body) <= PART_CHARACTERS else lines
        return Row(held, True, "", "", 0, len(found.body), 0, 0, self._sent(row))


class _Pieces(Sequence[bytes]):
    """The lines of a reject, each made when it is asked for: the body may be large."""

    def __init__(self, row: dict[str, Any], pieces: Parts) -> None:
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


def _has_column(key: str, value: Any) -> bool:
    """JSON columns get objects and arrays only: whether a bare text would be read as JSON is not documented."""
    return key in _COLUMNS and (_COLUMNS[key] != "JSON" or value is None or isinstance(value, dict | list))
