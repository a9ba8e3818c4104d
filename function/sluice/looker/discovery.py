"""Who has used Conversational Analytics: a saved System Activity query, run as admin."""

import logging
from typing import Any

import msgspec

from sluice.errors import DiscoveryFailed, LookerRefused
from sluice.looker.session import USER_ID, Session

ID_KEYS = ("user.id", "history.user_id")

log = logging.getLogger(__name__)


def users(admin: Session, query_id: str, id_key: str = "") -> list[str]:
    """Ids of the users, as text, each once, in the order of the query.

    Looker's `json` format has one object per row with keys such as `user.id` (number or text). The limit of the saved
    query, 500 by default, is lifted with `limit=-1`. A query that failed can be answered 200 with
    `[{"looker_error": ...}]`.

    Raises:
        DiscoveryFailed: the query was refused, failed, or has no column of user ids.
        LookerUnavailable, LoginRefused: as Session.get.
    """
    try:
        body = admin.get(f"/queries/{query_id}/run/json", limit=-1)
    except LookerRefused as error:
        raise DiscoveryFailed(f"Looker refused the System Activity query {query_id}: HTTP {error.code}") from error
    rows = _rows(body, query_id)
    found = [_user_id(row, (id_key,) if id_key else ID_KEYS) for row in rows]
    valid = [user_id for user_id in found if user_id is not None]
    if rows and not valid:
        wanted = id_key or " or ".join(ID_KEYS)
        columns = ", ".join(sorted(rows[0]))
        raise DiscoveryFailed(f"query {query_id} has no user id under {wanted}; its columns are: {columns}")
    if len(valid) < len(rows):
        log.warning(
            "rows without a user id were left out",
            extra={"event": "discovery_rows_ignored", "rows": len(rows) - len(valid)},
        )
    return list(dict.fromkeys(valid))


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
