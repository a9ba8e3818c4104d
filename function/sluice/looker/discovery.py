"""Who has used Conversational Analytics: a saved System Activity query, run as admin."""

import logging
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from sluice.errors import DiscoveryFailed, LookerRefused
from sluice.looker.conversations import timestamp
from sluice.looker.session import USER_ID, Session

ID_KEYS = ("user.id", "history.user_id")
ZONED = re.compile(r":\S*(?:[Zz]|[+-]\d\d:?\d\d)$")
BEHIND_UTC = timedelta(hours=13)
"""Zones reach to UTC-12, and a time may be cut to its hour."""
LONGEST_DAY = timedelta(days=1) + BEHIND_UTC

log = logging.getLogger(__name__)


def users(admin: Session, query_id: str, id_key: str = "", activity_key: str = "") -> dict[str, datetime | None]:
    """Ids of the users, as text, in the order of the query, and until when each may have been active.

    That is the latest moment the column `activity_key` can mean; None where it says nothing that can be read, and
    without such a key.

    Looker's `json` format has one object per row with keys such as `user.id` (number or text). The limit of the saved
    query, 500 by default, is lifted with `limit=-1`. A query that failed can be answered 200 with
    `[{"looker_error": ...}]`.

    Raises:
        DiscoveryFailed: the query was refused, failed, or has no column of user ids or not the one of activity.
        LookerUnavailable, LoginRefused: as Session.get.
    """
    try:
        body = admin.get(f"/queries/{query_id}/run/json", limit=-1)
    except LookerRefused as error:
        raise DiscoveryFailed(f"Looker refused the System Activity query {query_id}: HTTP {error.code}") from error
    rows = _rows(body, query_id)
    found = [(_user_id(row, (id_key,) if id_key else ID_KEYS), row) for row in rows]
    valid = [(user_id, row) for user_id, row in found if user_id is not None]
    columns = ", ".join(sorted(rows[0])) if rows else ""
    if rows and not valid:
        wanted = id_key or " or ".join(ID_KEYS)
        raise DiscoveryFailed(f"query {query_id} has no user id under {wanted}; its columns are: {columns}")
    if activity_key and rows and not any(activity_key in row for row in rows):
        raise DiscoveryFailed(f"query {query_id} has no {activity_key}; its columns are: {columns}")
    if len(valid) < len(rows):
        log.warning(
            "rows without a user id were left out",
            extra={"event": "discovery_rows_ignored", "rows": len(rows) - len(valid)},
        )
    return _latest((user_id, _latest_meaning(row.get(activity_key))) for user_id, row in valid)


def _rows(body: bytes, query_id: str) -> list[dict[str, Any]]:
    try:
        rows = msgspec.json.decode(body, type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise DiscoveryFailed(f"query {query_id} was not answered with a list of rows") from error
    # Looker's own text of the failure may quote data: it is not repeated here.
    if any("looker_error" in row for row in rows):
        raise DiscoveryFailed(f"query {query_id} failed inside Looker (looker_error)")
    return rows


def _user_id(row: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    value = next((row[key] for key in keys if row.get(key) is not None), None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) if USER_ID.fullmatch(str(value)) else None


def _latest(activity: Iterable[tuple[str, datetime | None]]) -> dict[str, datetime | None]:
    """Of a user with several rows, the latest moment; None where one of them says nothing."""
    latest: dict[str, datetime | None] = {}
    for user_id, moment in activity:
        earlier = latest.get(user_id, moment)
        latest[user_id] = max(earlier, moment) if earlier and moment else None
    return latest


def _latest_meaning(value: object) -> datetime | None:
    """System Activity writes `2026-01-31 09:30:00` or `2026-01-31`, in the query's time zone and without saying so."""
    moment = timestamp(value)
    if moment is None or not isinstance(value, str) or ZONED.search(value):
        return moment
    try:
        return moment + (LONGEST_DAY if len(value) <= len("2026-01-31") else BEHIND_UTC)
    except OverflowError:
        return None
