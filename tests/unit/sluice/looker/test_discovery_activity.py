"""Until when users may have been active, as System Activity tells it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.looker.population import Population
from sluice.errors import DiscoveryFailed
from sluice.looker import discovery
from sluice.looker.brake import Brake
from sluice.looker.session import Session
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.sessions import Scripted, client

KEY = "user.last_active"


def users(admin: Session, query_id: str, activity_key: str = "") -> dict[str, datetime | None]:
    return discovery.users(admin, query_id, activity_key=activity_key, brake=Brake()).users


def active_until(*values: Any) -> datetime | None:
    """Of one user with a row for each value."""
    rows = [{"user.id": 7, KEY: value} for value in values]
    return users(Scripted(json.dumps(rows).encode()), "q", activity_key=KEY)["7"]


@pytest.mark.parametrize(
    ("value", "latest"),
    [
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31 09:30:00+05:30", datetime(2026, 1, 31, 4, 0, tzinfo=UTC)),
        ("2026-01-31T09:30:00-0800", datetime(2026, 1, 31, 17, 30, tzinfo=UTC)),
        # Without a zone it may be that of the far west, where it is later in UTC.
        ("2026-01-31 09:30:00", datetime(2026, 1, 31, 22, 30, tzinfo=UTC)),
        ("2026-01-31 09:30", datetime(2026, 1, 31, 22, 30, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 2, 1, 13, 0, tzinfo=UTC)),
    ],
)
def test_a_text_stands_for_the_latest_moment_it_can_mean(value: str, latest: datetime) -> None:
    assert active_until(value) == latest


@pytest.mark.parametrize("value", [None, "", "yesterday", "2026-01", 20260131, True, ["2026-01-31"], "9999-12-31"])
def test_what_cannot_be_read_says_nothing(value: Any) -> None:
    assert active_until(value) is None


def test_of_several_rows_the_latest_counts_unless_one_says_nothing() -> None:
    assert active_until("2026-01-31T09:30:00Z", "2026-01-30T00:00:00Z") == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    for rows in (("2026-01-31T09:30:00Z", None), (None, "2026-01-31T09:30:00Z"), (None, "2026-01-31T09:30:00Z", "x")):
        assert active_until(*rows) is None


def test_a_row_without_the_column_says_nothing() -> None:
    rows = [{"user.id": 7, KEY: "2026-01-31T09:30:00Z"}, {"user.id": 8}]
    assert users(Scripted(json.dumps(rows).encode()), "q", activity_key=KEY)["8"] is None


def test_a_column_that_is_not_there_is_named_with_those_there_are(start: Start) -> None:
    looker = start()
    with pytest.raises(DiscoveryFailed, match=r"has no user.last_active; its columns are: user.email, user.id"):
        users(client(looker).admin, looker.query_id, activity_key=KEY)


def test_without_a_key_nothing_is_known(start: Start, population: Population) -> None:
    looker = start(discovery_activity_field=KEY)
    assert set(users(client(looker).admin, looker.query_id).values()) == {None}
    known = users(client(looker).admin, looker.query_id, activity_key=KEY)
    for user_id, moment in known.items():
        changed = [each.updated_at for each in population.conversations_of(user_id)]
        assert (moment is None) == (not changed)
        assert moment is None or moment >= max(changed)
