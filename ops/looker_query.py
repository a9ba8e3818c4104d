"""Make the saved System Activity query that lists the enabled users, in the Looker of .env, and try it."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated

import msgspec

from sluice.errors import DiscoveryFailed, LookerRefused
from sluice.looker import discovery
from sluice.looker.brake import Brake
from sluice.looker.session import Looker, Session
from sluice.settings import Settings

USERS = {
    "model": "system__activity",
    "view": "user",
    "fields": ["user.id"],
    "filters": {"user.is_disabled": "No"},
    "sorts": ["user.id"],
    "limit": "-1",
}
"""Every enabled user, by the User Explore. No Explore of who used Conversational Analytics is documented; where yours
has one, a query of it spares more calls."""

SECONDS = 300.0
HINT = (
    "The API key must be that of a user with the Admin role, or with see_system_activity, and System Activity must be "
    "available. Without a query, leave LOOKER_USER_QUERY_ID empty: the users are then listed by the API."
)


class _Made(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]+\Z")] | int


def make(settings: Settings) -> None:
    """Print the id. Looker gives the query it has where there is one like it, so this may be done again.

    Raises:
        SluiceError: with what failed and what to do.
    """
    brake = Brake(deadline=time.monotonic() + SECONDS)
    with closing(Looker(settings, brake)) as looker:
        query_id = create(looker.admin, USERS)
        print(f"LOOKER_USER_QUERY_ID={query_id}", flush=True)
        found = discovery.users(looker.admin, query_id, brake=brake)
    print(f"It lists {len(found.users)} users; {found.ignored} ids could not be read.")
    print(f"For the deployed function: pulumi config set looker-user-query-id {query_id}")


def create(admin: Session, wanted: Mapping[str, object]) -> str:
    """The id of the query.

    Raises:
        DiscoveryFailed: Looker refused to make it, or answered without an id.
        LookerUnavailable, LoginRefused: as Session.post.
    """
    explore = f"{wanted['model']}/{wanted['view']}"
    try:
        made = msgspec.json.decode(admin.post("/queries", wanted, fields="id"), type=_Made)
    except LookerRefused as error:
        raise DiscoveryFailed(f"Looker refused a query of {explore}: HTTP {error.code}", hint=HINT) from error
    except msgspec.DecodeError as error:
        raise DiscoveryFailed("Looker's answer holds no query", hint=DiscoveryFailed.unreadable()) from error
    return str(made.id)
