"""Whom a run need not ask for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sluice.plan import Kind, Order, Plan
from sluice.warehouse.ledger import Position, Watermark

NOW = datetime(2026, 1, 20, 1, tzinfo=UTC)
REACHED = datetime(2026, 1, 19, 1, tzinfo=UTC)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(hours=1)
LONG_AGO = REACHED - timedelta(days=5)

USERS = {
    "settled": Watermark(REACHED, None),
    "owed": Watermark(REACHED, REACHED - timedelta(days=1)),
    "never finished": Watermark(None, BEGAN),
}


def plan(order: Order) -> Plan:
    return Plan(order, Position(USERS, BEGAN), NOW, OVERLAP, timedelta(days=1))


def left_out(user_id: str, active_until: datetime | None, order: Order | None = None) -> bool:
    planned = plan(order or Order(Kind.DAILY))
    (window,) = planned.windows([user_id])
    return planned.leaves_out(window, active_until)


def test_who_was_not_active_since_the_window_begins_is_left_out() -> None:
    begins = REACHED - OVERLAP
    assert left_out("settled", begins - timedelta(microseconds=1))
    assert not left_out("settled", begins)
    assert not left_out("settled", NOW)


def test_who_may_have_been_active_is_asked_for() -> None:
    assert not left_out("settled", None)


@pytest.mark.parametrize("user_id", ["owed", "never finished", "unheard of"])
def test_who_is_owed_a_window_or_has_no_watermark_is_asked_for(user_id: str) -> None:
    assert not left_out(user_id, datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "order",
    [
        Order(Kind.HISTORICAL),
        Order(Kind.DAILY, since=BEGAN),
        Order(Kind.DAILY, until=NOW),
        Order(Kind.DAILY, users=("settled",)),
    ],
)
def test_only_plain_daily_runs_leave_anybody_out(order: Order) -> None:
    assert not left_out("settled", LONG_AGO, order)
    assert left_out("settled", LONG_AGO, Order(Kind.DAILY, dry_run=True))


def test_activity_that_shows_late_lies_in_the_window_of_the_run_that_sees_it() -> None:
    """Active at noon, but System Activity shows it only after the next run, which therefore leaves the user out."""
    noon = datetime(2026, 1, 19, 12, tzinfo=UTC)
    assert left_out("settled", LONG_AGO)
    # The ledger is as before: a user left out does not move. A day later the activity shows.
    later = replace(plan(Order(Kind.DAILY)), started_at=NOW + timedelta(days=1))
    (window,) = later.windows(["settled"])
    assert not later.leaves_out(window, noon)
    assert (window.since, window.until) == (REACHED - OVERLAP, NOW + timedelta(days=1))
    assert window.since <= noon <= window.until
