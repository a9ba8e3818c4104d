"""Ratings of conversations: a second saved System Activity query, run as admin.

Looker documents no such Explore. The default columns are those of `conversations_feedback` as an extension of its own
makers reads them; no real instance has proven them here, nor that its `conversation.id` is the API's.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sluice.errors import FeedbackFailed, LookerUnavailable
from sluice.looker import ids, query
from sluice.looker.brake import Brake
from sluice.looker.conversations import timestamp
from sluice.looker.session import Session

GOOD = {"THUMBS_UP", "UP", "POSITIVE", "GOOD", "YES", "TRUE", "LIKE"}
BAD = {"THUMBS_DOWN", "DOWN", "NEGATIVE", "BAD", "NO", "FALSE", "DISLIKE"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Columns:
    """Keys of the query's rows; `user` and `comment` may be empty: they are then not read."""

    conversation: str
    rating: str
    time: str
    user: str = ""
    comment: str = ""

    @property
    def wanted(self) -> list[str]:
        return [key for key in (self.conversation, self.rating, self.time, self.user, self.comment) if key]


@dataclass(frozen=True, slots=True)
class Rating:
    conversation_id: str
    rated_at: datetime
    rating: str
    positive: bool | None
    user_id: str | None
    comment: str | None


def ratings(admin: Session, query_id: str, columns: Columns, brake: Brake) -> list[Rating]:
    """The ratings of the query's rows. A row without a rating is none; one that cannot be read is left out and logged.

    Raises:
        FeedbackFailed: the query was refused, failed, was not answered in time, or lacks a column.
        LoginRefused: as Session.get.
    """
    try:
        rows = query.rows(admin, query_id, FeedbackFailed, brake)
    except LookerUnavailable as error:
        raise FeedbackFailed(str(error), hint=error.hint) from error
    missing = [key for key in columns.wanted if rows and not any(key in row for row in rows)]
    if missing:
        there = ", ".join(sorted(rows[0]))
        raise FeedbackFailed(f"query {query_id} has no {', '.join(missing)}; its columns are: {there}")
    given = [row for row in rows if row.get(columns.rating) not in (None, "")]
    found = [rating for row in given if (rating := _rating(row, columns)) is not None]
    if len(found) < len(given):
        ignored = len(given) - len(found)
        log.warning("ratings could not be read", extra={"event": "feedback_rows_ignored", "rows": ignored})
    return found


def _rating(row: dict[str, Any], columns: Columns) -> Rating | None:
    conversation_id, moment = row.get(columns.conversation), timestamp(row.get(columns.time))
    value = row[columns.rating]
    if not isinstance(conversation_id, str | int) or not str(conversation_id) or isinstance(conversation_id, bool):
        return None
    if moment is None or not isinstance(value, str | int | float):
        return None
    text = str(value)
    comment = row.get(columns.comment) if columns.comment else None
    return Rating(
        conversation_id=str(conversation_id),
        rated_at=moment.astimezone(UTC),
        rating=text,
        positive=_positive(text),
        user_id=ids.user_id(row.get(columns.user)) if columns.user else None,
        comment=comment if isinstance(comment, str) else None,
    )


def _positive(text: str) -> bool | None:
    word = text.strip().upper().replace(" ", "_")
    return True if word in GOOD else False if word in BAD else None
