"""The enabled users of the instance, from the API."""

from typing import Any

import msgspec

from sluice.errors import DiscoveryFailed, LookerRefused
from sluice.looker.session import Session

PAGE_SIZE = 500
HINT = (
    "The API user needs the Admin role to list users (GET /users/search). "
    "Or name a System Activity query that lists them in LOOKER_USER_QUERY_ID."
)


def enabled(admin: Session) -> list[Any]:
    """Ids of the enabled users, as Looker writes them; embed users included, since they may hold conversations.

    Looker documents neither its longest page nor that a filter is always heeded: pages are asked for until one brings
    nothing new, and disabled users are left out here, too.

    Raises:
        DiscoveryFailed: the listing was refused or is none.
        LookerUnavailable, LoginRefused: as Session.get.
    """
    users: dict[str, Any] = {}
    asked = 0
    while True:
        page = _page(admin, asked)
        fresh = {repr(row.get("id")): row for row in page if repr(row.get("id")) not in users}
        if not fresh:
            return [row.get("id") for row in users.values() if row.get("is_disabled") is not True]
        users |= fresh
        asked += len(page)


def _page(admin: Session, offset: int) -> list[dict[str, Any]]:
    fields = "id,is_disabled"
    try:
        body = admin.get(
            "/users/search", fields=fields, is_disabled="false", sorts="id", limit=PAGE_SIZE, offset=offset
        )
    except LookerRefused as error:
        raise DiscoveryFailed(f"Looker refused to list its users: HTTP {error.code}", hint=HINT) from error
    try:
        return msgspec.json.decode(body, type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        hint = DiscoveryFailed.unreadable()
        raise DiscoveryFailed("the listing of users is not a list of objects", hint=hint) from error
