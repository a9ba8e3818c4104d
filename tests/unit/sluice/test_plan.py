"""Every rule of the windows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.errors import DiscoveryFailed
from sluice.looker.window import Window
from sluice.plan import BEGINNING, Kind, Order, Plan, earliest
from sluice.warehouse.ledger import Position, Watermark
from tests.unit.sluice.warehouse.tables import settings

NOW = datetime(2026, 11, 1, 12, 34, 56, 789, tzinfo=UTC)
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
REACHED = NOW - timedelta(days=1)
DAY = timedelta(days=1)
OVERLAP = timedelta(minutes=60)
FIRST = Position({}, None)
USERS = {
    "reached": Watermark(REACHED, None),
    "owed": Watermark(REACHED, REACHED - 3 * DAY),
    "owed little": Watermark(REACHED, REACHED - timedelta(minutes=1)),
    "left": Watermark(None, BEGAN + DAY),
    "left early": Watermark(None, BEGAN - DAY),
    "seen": Watermark(None, None),
}
LATER = Position(USERS, BEGAN)


def plan(kind: Kind = Kind.DAILY, position: Position = LATER, lookback: timedelta = DAY, **order: Any) -> Plan:
    return Plan(Order(kind, **order), position, NOW, OVERLAP, lookback)


def since(planned: Plan, user: str) -> datetime:
    (window,) = planned.windows([user])
    assert (window.user_id, window.until) == (user, planned.until)
    return window.since


def test_the_settings_decide_overlap_and_lookback() -> None:
    chosen = settings("http://127.0.0.1:1", overlap_minutes=5, lookback_days=3)
    planned = Plan.of(Order(Kind.DAILY), FIRST, NOW, chosen)
    assert (planned.overlap, planned.lookback) == (timedelta(minutes=5), 3 * DAY)


@pytest.mark.parametrize("days", [0, 1, 30])
def test_the_first_run_begins_at_the_start_of_a_day(days: int) -> None:
    planned = plan(position=FIRST, lookback=days * DAY)
    midnight = datetime(2026, 11, 1, tzinfo=UTC) - days * DAY
    assert since(planned, "anybody") == planned.since == planned.floor == midnight
    assert planned.until == NOW


@pytest.mark.parametrize(
    ("user", "start"),
    [
        ("reached", REACHED - OVERLAP),
        ("owed", REACHED - 3 * DAY),
        ("owed little", REACHED - OVERLAP),
        ("left", BEGAN),
        ("left early", BEGAN - DAY),
        ("seen", BEGAN),
        ("never seen", BEGAN),
    ],
)
def test_a_daily_window_begins_where_the_user_is(user: str, start: datetime) -> None:
    assert since(plan(), user) == start


def test_a_later_user_begins_where_the_ledger_began_however_long_ago() -> None:
    """System Activity shows users hours late: what they did meanwhile is not to be lost."""
    assert since(plan(lookback=timedelta(0)), "never seen") == BEGAN


def test_a_historical_window_is_everything_for_everybody() -> None:
    for position in (FIRST, LATER):
        for user in (*USERS, "never seen"):
            assert since(plan(Kind.HISTORICAL, position), user) == BEGINNING


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("user", [*USERS, "never seen"])
def test_an_explicit_since_holds_for_everybody(kind: Kind, user: str) -> None:
    start = datetime(2026, 5, 5, tzinfo=UTC)
    planned = plan(kind, since=start)
    assert since(planned, user) == planned.since == start


@pytest.mark.parametrize(
    ("until", "end"),
    [(None, NOW), (NOW - DAY, NOW - DAY), (NOW, NOW), (NOW + DAY, NOW)],
)
def test_no_window_ends_after_the_run_began(until: datetime | None, end: datetime) -> None:
    """What changes while it runs may be missed: it is the next run's."""
    assert plan(until=until).until == plan(Kind.HISTORICAL, until=until).until == end


def test_naming_users_changes_no_window() -> None:
    named = plan(users=("reached", "owed"))
    assert [since(named, user) for user in USERS] == [since(plan(), user) for user in USERS]


@pytest.mark.parametrize(
    ("planned", "user", "anchored"),
    [
        (plan(position=FIRST), "anybody", True),
        (plan(), "never seen", True),
        (plan(), "left early", True),
        (plan(), "reached", False),
        (plan(Kind.HISTORICAL), "never seen", True),
        (plan(since=BEGAN), "never seen", True),
        (plan(since=BEGAN - DAY), "never seen", True),
        (plan(since=BEGAN + timedelta(seconds=1)), "never seen", False),
        (plan(position=FIRST, since=NOW - timedelta(hours=1)), "anybody", False),
        (plan(Kind.HISTORICAL, FIRST, since=BEGINNING), "anybody", True),
    ],
)
def test_a_window_is_anchored_where_nothing_before_it_is_wanted(planned: Plan, user: str, anchored: bool) -> None:
    (window,) = planned.windows([user])
    assert planned.anchors(window) is anchored


def test_what_makes_an_order_other_than_plain() -> None:
    assert Order(Kind.DAILY).requested is None
    assert Order(Kind.HISTORICAL, dry_run=True).requested is None
    assert Order(Kind.DAILY, since=BEGAN).requested == {"since": BEGAN.isoformat()}
    assert Order(Kind.DAILY, until=BEGAN, users=("7",)).requested == {"until": BEGAN.isoformat(), "users": ["7"]}
    assert Order(Kind.HISTORICAL, refetch=True).requested == {"refetch": True}


def test_the_earliest_of_the_windows() -> None:
    windows = [Window("a", NOW, NOW), Window("b", BEGAN, NOW)]
    assert earliest(windows, NOW) == BEGAN
    assert earliest([], NOW) == NOW


MEMORY = {
    "well": Watermark(REACHED, None),
    "disabled lately": Watermark(REACHED, REACHED - DAY, "disabled", NOW - 6 * DAY),
    "disabled long ago": Watermark(REACHED, REACHED - DAY, "disabled", NOW - 8 * DAY),
    "owed": Watermark(REACHED, REACHED - DAY),
    "failing": Watermark(REACHED, None, failed_runs=2),
    "failing for good": Watermark(REACHED, None, failed_runs=3),
}
REMEMBERING = Position(MEMORY, BEGAN, most_seen=10)


def chosen(planned: Plan, *found: str) -> tuple[list[str], int, int]:
    choice = planned.choose(dict.fromkeys(found))
    assert choice.seen == len(choice.windows) + choice.idle + choice.skipped
    return [window.user_id for window in choice.windows], choice.idle, choice.skipped


@pytest.mark.parametrize("kind", Kind)
def test_who_could_not_be_read_is_asked_for_again_after_a_week(kind: Kind) -> None:
    planned = plan(kind, REMEMBERING)
    assert chosen(planned, *MEMORY) == ([user for user in MEMORY if user != "disabled lately"], 0, 1)


def test_users_that_are_named_are_asked_for_whatever_is_remembered() -> None:
    named = plan(position=REMEMBERING, users=("disabled lately",))
    assert chosen(named, "disabled lately") == (["disabled lately"], 0, 0)
    assert chosen(plan(position=REMEMBERING, since=BEGAN), "disabled lately") == ([], 0, 1)


@pytest.mark.parametrize("kind", Kind)
def test_who_is_owed_a_window_is_served_though_discovery_does_not_show_them(kind: Kind) -> None:
    assert chosen(plan(kind, REMEMBERING), "well") == (["well", "disabled long ago", "owed"], 0, 0)
    assert chosen(plan(kind, REMEMBERING, until=NOW), "well") == (["well"], 0, 0)
    assert chosen(plan(kind, REMEMBERING, users=("well",)), "well") == (["well"], 0, 0)


def test_after_three_failed_runs_in_a_row_it_is_the_last_chance() -> None:
    windows = plan(position=REMEMBERING).windows([*MEMORY, "never seen"])
    assert [window.user_id for window in windows if window.last_chance] == ["failing for good"]


def test_only_plain_daily_runs_recheck() -> None:
    (window,) = plan().windows(["reached"])
    assert window.recheck_since == NOW - 2 * DAY
    for planned in (plan(Kind.HISTORICAL), plan(until=NOW), plan(users=("reached",)), plan(since=BEGAN)):
        assert not planned.rechecks
        assert {window.recheck_since for window in planned.windows(USERS)} == {None}


@pytest.mark.parametrize(
    ("found", "position", "doubts"),
    [
        (10, REMEMBERING, {}),
        (5, REMEMBERING, {}),
        (4, REMEMBERING, {"DiscoveryShrunk": 6}),
        (1, Position({}, BEGAN, most_seen=3), {"DiscoveryShrunk": 2}),
        (1, FIRST, {}),
        (0, FIRST, {"DiscoveryEmpty": 1}),
    ],
)
def test_a_discovery_that_shows_few_is_doubted(found: int, position: Position, doubts: dict[str, int]) -> None:
    assert plan(position=position).doubts(found) == doubts
    assert plan(position=position, users=("well",)).doubts(1) == {}


@pytest.mark.parametrize("position", [REMEMBERING, Position(MEMORY, BEGAN)])
def test_a_discovery_that_shows_nobody_is_no_source(position: Position) -> None:
    with pytest.raises(DiscoveryFailed, match="no user") as caught:
        plan(position=position).doubts(0)
    assert "LOOKER_USER_QUERY_ID" in caught.value.hint
