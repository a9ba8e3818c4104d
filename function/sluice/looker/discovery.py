"""Who may hold conversations: the users of a saved System Activity query, or all enabled users of the instance."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.errors import DiscoveryFailed
from sluice.looker import directory, query
from sluice.looker.brake import Brake
from sluice.looker.conversations import timestamp
from sluice.looker.ids import user_id
from sluice.looker.session import Session

ID_KEYS = ("user.id", "history.user_id")
ZONED = re.compile(r":\S*(?:[Zz]|[+-]\d\d:?\d\d)$")
BEHIND_UTC = timedelta(hours=13)
"""Zones reach to UTC-12, and a time may be cut to its hour."""
LONGEST_DAY = timedelta(days=1) + BEHIND_UTC

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """`users`: ids as text, in the order found, and until when each may have been active: None where nothing tells.

    `ignored` counts the rows whose user id could not be read: users that may be missing from `users`.
    """

    users: dict[str, datetime | None]
    ignored: int = 0


def users(admin: Session, query_id: str = "", id_key: str = "", activity_key: str = "", *, brake: Brake) -> Found:
    """The users of the query; without one, all enabled users.

    Until when a user may have been active is the latest moment the column `activity_key` can mean.

    Raises:
        DiscoveryFailed: the query was refused, failed, or has no column of user ids or not the one of activity.
        LookerUnavailable, LoginRefused: as Session.get.
    """
    if not query_id:
        return _found([(user_id(value), None) for value in directory.enabled(admin)])
    rows = query.rows(admin, query_id, DiscoveryFailed, brake)
    keys = (id_key,) if id_key else ID_KEYS
    found = [(_user_id(row, keys), _latest_meaning(row.get(activity_key))) for row in rows]
    columns = ", ".join(sorted(rows[0])) if rows else ""
    if rows and not any(each for each, _ in found):
        raise DiscoveryFailed(f"query {query_id} has no user id under {' or '.join(keys)}; its columns are: {columns}")
    if activity_key and rows and not any(activity_key in row for row in rows):
        hint = "LOOKER_USER_ACTIVITY_KEY must be a column of the query LOOKER_USER_QUERY_ID, or empty."
        raise DiscoveryFailed(f"query {query_id} has no {activity_key}; its columns are: {columns}", hint=hint)
    return _found(found)


def _found(rows: list[tuple[str | None, datetime | None]]) -> Found:
    valid = [(each, moment) for each, moment in rows if each is not None]
    ignored = len(rows) - len(valid)
    if ignored:
        log.warning("rows without a user id were left out", extra={"event": "discovery_rows_ignored", "rows": ignored})
    return Found(_latest(valid), ignored)


def _user_id(row: query.Row, keys: tuple[str, ...]) -> str | None:
    return user_id(next((row[key] for key in keys if row.get(key) is not None), None))


def _latest(activity: Iterable[tuple[str, datetime | None]]) -> dict[str, datetime | None]:
    """Of a user with several rows, the latest moment; None where one of them says nothing."""
    latest: dict[str, datetime | None] = {}
    for each, moment in activity:
        earlier = latest.get(each, moment)
        latest[each] = max(earlier, moment) if earlier and moment else None
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
