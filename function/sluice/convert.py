"""A conversation of Looker -> the lines of the warehouse's staging table. The only place that knows both shapes."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sluice.looker.conversations import Conversation, Unreadable, timestamp
from sluice.looker.fanout import Window
from sluice.looker.feedback import Rating
from sluice.report import Row
from sluice.warehouse.definitions import schema, staging_schema
from sluice.warehouse.rows import Encoder, RowError, encode_array, parts

_OURS = {"messages", "message_count", "raw_bytes", "stored_bytes", "extra", "run_id", "ingested_at"}
_COLUMNS = {field.name: field.field_type for field in schema("conversations") if field.name not in _OURS}
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
        line = self._encoder.encode(row)
        return Row(
            lines=(line.text,),
            rejected=False,
            agent_id=str(row.get("agent_id") or ""),
            day=_day(row.get("created_at")),
            messages=len(found.messages),
            raw_bytes=len(found.body),
            stored_bytes=len(messages.text),
            texts_cut=line.cut,
        )

    def _reject(self, window: Window, found: Conversation | Unreadable, reason: str) -> Row:
        pieces = parts(found.body)
        shared = {
            "kind": "reject",
            "id": found.listed.id,
            "user_id": window.user_id,
            "updated_at": found.listed.updated_at,
            "reason": reason,
            "parts": len(pieces),
            "run_id": self._run_id,
            "ingested_at": found.fetched_at,
        }
        limit = max(len(piece.encode()) for piece in pieces)
        encoder = Encoder(staging_schema(), max(limit, self._max_string_bytes))
        lines = [
            encoder.encode({**shared, "part": number, "raw": piece}) for number, piece in enumerate(pieces, start=1)
        ]
        return Row(tuple(line.text for line in lines), True, "", "", 0, len(found.body), 0, 0)


def rating_lines(ratings: Iterable[Rating], run_id: str, max_string_bytes: int) -> list[bytes]:
    """Ratings as lines of the staging table."""
    encoder, now = Encoder(staging_schema(), max_string_bytes), datetime.now(UTC)
    shared = {"kind": "feedback", "run_id": run_id, "ingested_at": now}
    return [encoder.encode({**shared, **asdict(each)}).text for each in ratings]


def _has_column(key: str, value: Any) -> bool:
    """JSON columns get objects and arrays only: whether a bare text would be read as JSON is not documented."""
    return key in _COLUMNS and (_COLUMNS[key] != "JSON" or value is None or isinstance(value, dict | list))


def _day(created_at: object) -> str:
    moment = timestamp(created_at)
    return moment.astimezone(UTC).date().isoformat() if moment else ""
