"""Days on which a source, a user or a conversation is not what it seems: nothing is missed in silence."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.looker.cast import Standing
from local.looker.conversations import Conversation
from local.looker.faults import Fault
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything, held, owed, skipped, truth, watermarks

LOGINS = r"/login/[^/]+$"
ACTIVITY = "user.last_active"


def fresh() -> Population:
    """Conversations of the last days, so that daily runs look at them again."""
    return Population(users=3, conversations=16, mean_kb=16, now=days_ago(0.05), days=2)


def latest(population: Population) -> Conversation:
    conversations = [population.conversation(id) for id in population.reachable()]
    return max((each for each in conversations if each is not None), key=lambda each: each.updated_at)


def hide(population: Population, user_id: str) -> None:
    """System Activity does not show the user any more."""
    user = replace(population._users[user_id], visible_from=population.now + timedelta(days=99))
    population._users = {**population._users, user_id: user}


def test_who_is_owed_a_window_is_served_though_discovery_does_not_show_them(install: Install) -> None:
    installation = install(Population(users=3, conversations=24, mean_kb=16, now=days_ago(1)))
    population, looker = installation.population, installation.looker
    owner = population.users[1].key
    expected = everything(population)
    with installation.function(OVERLAP_MINUTES="0", LOOKER_RETRIES="0") as function:
        looker.faults.add(Fault("502", path=rf"/login/{owner}$"))
        answer = function.post("/historical")
        assert answer.body.get("users", answer)["failed"] == 1
        assert set(owed(installation)) == {owner}
        hide(population, owner)
        answer = function.post("/daily")
        assert (answer.body["state"], answer.body["users"]["finished"]) == ("completed", 3)
        assert owed(installation) == {}
        assert_holds(installation, expected)

        # Someone who is owed a window and is gone for good: it is closed.
        looker.faults.add(Fault("502", path=rf"/login/{owner}$"))
        function.post(f"/historical?users={owner}&refetch=true")
        assert set(owed(installation)) == {owner}
        population._users = {**population._users, owner: replace(population.users[1], standing=Standing.DELETED)}
        answer = function.post("/daily")
        assert (answer.body["state"], answer.body["users"]["skipped"]) == ("completed", 1)
        assert (owed(installation), skipped(installation)) == ({}, {owner: "deleted"})
        assert function.post("/daily").body["users"] == dict.fromkeys(("skipped", "failed", "unfinished"), 0) | {
            "seen": 2,
            "finished": 2,
        }


def test_discovery_that_shows_few_users_or_none(install: Install) -> None:
    installation = install(Population(users=3, conversations=12, mean_kb=16, now=days_ago(1)))
    population = installation.population
    one, two, three = (user.key for user in population.users)
    with installation.function() as function:
        assert function.post("/daily").body["state"] == "completed"
        hide(population, two)
        hide(population, three)
        shrunk = function.post("/daily")
        assert (shrunk.status, shrunk.body["state"]) == (200, "partial")
        assert (shrunk.body["users"]["finished"], shrunk.body["errors"]) == (1, {"DiscoveryShrunk": 2})
        before = watermarks(installation)
        hide(population, one)
        empty = function.post("/daily")
        assert (empty.status, empty.body["step"]) == (500, "discover")
        assert "LOOKER_USER_QUERY_ID" in empty.body["hint"]
        assert watermarks(installation) == before
        # Users that are named need no discovery.
        assert function.post(f"/daily?users={one}").body["state"] == "completed"


def test_a_quiet_day_with_a_disabled_user(install: Install) -> None:
    """All others rest: one user who is refused is no refusal of all, and not asked for every day."""
    population = Population(users=4, conversations=40, mean_kb=16, now=days_ago(6))
    installation = install(population, discovery_activity_field=ACTIVITY)
    shut = {user.key for user in population.users if user.standing is not Standing.ACTIVE}
    assert shut
    # As if nobody had been asked for yet: the history is of the active ones alone.
    active = ",".join(user.key for user in population.users if user.key not in shut)
    with installation.function(LOOKER_USER_ACTIVITY_KEY=ACTIVITY) as function:
        assert function.post(f"/historical?users={active}").body["state"] == "completed"
        for asked in (len(shut), 0):
            installation.looker.requests.clear()
            answer = function.post("/daily")
            assert (answer.status, answer.body["state"]) == (200, "completed")
            assert answer.body["users"] == {"seen": 4, "finished": 3, "skipped": 1, "failed": 0, "unfinished": 0}
            assert len(installation.looker.requests.find(LOGINS, "POST")) == asked


@pytest.mark.parametrize(("kind", "path"), [("503", "/conversations/"), ("503", "/search"), ("500", "/search")])
def test_conversation_endpoints_that_are_down(install: Install, kind: str, path: str) -> None:
    """Logins work, some users are disabled: it is neither them nor impersonation, and later it may work again."""
    installation = install(Population(users=12, conversations=40, mean_kb=16, now=days_ago(1)))
    installation.looker.faults.add(Fault(kind, path=path, times=None))
    with installation.function(LOOKER_RETRIES="0") as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["step"], answer.body["retryable"]) == (503, "list", True)
    assert installation.rows("sync_users") == []


def test_a_conversation_that_is_refused_for_good(install: Install) -> None:
    installation = install(Population(users=3, conversations=24, mean_kb=16, now=days_ago(1)))
    population = installation.population
    bad = latest(population)
    installation.looker.faults.add(Fault("403", path=bad.id, times=None))
    expected = {id: row for id, row in everything(population).items() if id != bad.id}
    with installation.function() as function:
        states = [function.post("/historical").body["state"] for _ in range(3)]
        assert states == ["partial"] * 3
        assert watermarks(installation)[bad.user_id] is None
        answer = function.post("/historical")
        assert (answer.body["state"], answer.body["conversations"]["rejected"]) == ("completed", 1)
        (reject,) = installation.rows("rejects")
        assert (reject["id"], reject["user_id"]) == (bad.id, bad.user_id)
        assert reject["reason"].endswith("HTTP 403")
        assert watermarks(installation)[bad.user_id] is not None
        assert_holds(installation, expected)
        # It is in rejects: no run asks for it again, unless it changes.
        installation.looker.requests.clear()
        assert function.post("/historical").body["conversations"]["rejected"] == 0
        assert installation.fetched() == []


@pytest.mark.parametrize("code", ["422"])
def test_a_listing_that_takes_no_parameters(install: Install, code: str, caplog: pytest.LogCaptureFixture) -> None:
    installation = install(Population(users=3, conversations=24, mean_kb=16, now=days_ago(1)), narrow_search=False)
    with installation.function(LOOKER_PAGE_SIZE="3") as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "completed", {})
    assert_holds(installation, everything(installation.population))
    told = [vars(record) for record in caplog.records if vars(record).get("event") == "listing_plain"]
    assert Counter(record["asked_for"] for record in told) <= Counter({"fields": 1, "nothing": 1})


def asked_again(each: Conversation) -> Conversation:
    return replace(each, asked=(*each.asked, each.updated_at))


def moved(each: Conversation) -> Conversation:
    return replace(each, user_id="19" if each.user_id != "19" else "12")


def deleted(each: Conversation) -> Conversation:
    return replace(each, deleted=True)


@pytest.mark.parametrize("change", [asked_again, moved, deleted])
def test_a_change_that_updated_at_does_not_tell(
    install: Install, change: Callable[[Conversation], Conversation]
) -> None:
    installation = install(fresh())
    population = installation.population
    with installation.function(OVERLAP_MINUTES="0", LOOKBACK_DAYS="3", INCLUDE_DELETED="true") as function:
        first = function.post("/daily")
        assert first.body["state"] == "completed"
        changed = change(latest(population))
        population._store(changed)
        # Another owner's window is seen when it reaches back so far, or by the history.
        path = "/historical" if change is moved else "/daily"
        answer = function.post("/historical" if change is deleted else path)
        assert held(installation)[changed.id]["message_count"] == len(changed.expected()["messages"])
        assert_holds(installation, everything(population, include_deleted=True))
        assert answer.body["conversations"]["fetched"] == 1
        told = {"UpdatedAtStoodStill": 1} if change is asked_again else {}
        assert (answer.body["errors"], answer.body["conversations"]["unannounced"]) == (told, len(told))
        # What is the same again is not written.
        before = held(installation)
        again = function.post("/daily")
        assert again.body["conversations"]["rechecked"] > 0
        assert again.body["conversations"]["fetched"] == 0
        assert held(installation) == before


def test_a_time_that_tells_no_more_than_the_day(install: Install) -> None:
    installation = install(fresh())
    population = installation.population
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    early = replace(latest(population), updated_at=midnight)
    population._store(early)
    with installation.function(OVERLAP_MINUTES="0", LOOKBACK_DAYS="3") as function:
        for path in ("/daily", "/daily", "/historical"):
            assert function.post(path).body["state"] == "completed"
            assert_holds(installation, truth(population, population.reachable()))
            early = asked_again(early)
            population._store(early)


def test_a_run_that_rejects_everything_is_not_completed(install: Install) -> None:
    installation = install(Population(users=2, conversations=8, mean_kb=16, now=days_ago(1)))
    installation.looker.faults.add(Fault("invalid-json", path=r"/conversations/(?!search)", times=None))
    with installation.function() as function:
        answer = function.post("/historical")
    number = len(installation.population.reachable())
    assert (answer.status, answer.body["state"]) == (200, "partial")
    assert answer.body["errors"] == {"EverythingRejected": number}


def test_a_budget_that_is_over_before_anything_is_listed(install: Install) -> None:
    installation = install(Population(users=2, conversations=8, mean_kb=16, now=days_ago(1)))
    installation.looker.faults.add(Fault("slow", path=r"/queries/", seconds=4.0))
    with installation.function(RUN_BUDGET_SECONDS="3") as function:
        answer = function.post("/daily")
    assert (answer.status, answer.body["retryable"]) == (503, True)
    assert "RUN_BUDGET_SECONDS" in answer.body["error"]
    assert installation.rows("sync_users") == []
