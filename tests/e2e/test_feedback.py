"""Ratings beside the conversations: in the same transaction, off by default, and never the end of a run."""

from collections import Counter
from typing import Any

from local.looker.faults import Fault
from local.looker.population import Population
from local.looker.queries import RATINGS
from tests.conftest import Install
from tests.support.installation import Installation
from tests.support.truth import assert_holds, days_ago, everything

QUERY = "2424"


def population() -> Population:
    return Population(seed=3, users=3, conversations=20, mean_kb=1, now=days_ago(1))


def given(population: Population) -> Counter[Any]:
    """Conversation and rating of each, as the simulation tells them."""
    all_ = [each for user in population.users for each in population.conversations_of(user.key)]
    told = ((each.id, RATINGS[(each.number + turn) % len(RATINGS)]) for each in all_ for turn in range(len(each.asked)))
    return Counter(each for each in told if each[1] is not None)


def held(installation: Installation) -> Counter[Any]:
    return Counter((row["conversation_id"], row["rating"]) for row in installation.rows("feedback"))


def test_ratings_are_kept_once_however_often_they_are_met(install: Install) -> None:
    installation = install(population())
    with installation.function(LOOKER_FEEDBACK_QUERY_ID=QUERY, LOOKER_FEEDBACK_USER_KEY="user.id") as function:
        first = function.post("/historical").body
        second = function.post("/daily").body
    assert (first["state"], first["ratings"]) == ("completed", given(installation.population).total())
    assert second["ratings"] == first["ratings"]
    assert held(installation) == given(installation.population)
    rows = installation.rows("feedback")
    assert {row["run_id"] for row in rows} == {first["run_id"]}, "what has not changed is not written again"
    assert {row["positive"] for row in rows if row["rating"] == "THUMBS_UP"} == {True}
    owners = {each: installation.population.conversation(each) for each in {row["conversation_id"] for row in rows}}
    assert all(row["user_id"] == owners[row["conversation_id"]].user_id for row in rows)  # type: ignore[union-attr]


def test_off_nothing_is_asked_and_the_table_is_empty(install: Install) -> None:
    installation = install(population())
    with installation.function() as function:
        answer = function.post("/historical")
    assert "ratings" not in answer.body
    assert installation.rows("feedback") == []
    assert installation.looker.queries.started == 1


def test_a_dry_run_counts_them_and_writes_nothing(install: Install) -> None:
    installation = install(population())
    with installation.function(LOOKER_FEEDBACK_QUERY_ID=QUERY) as function:
        answer = function.post("/historical?dry-run=true")
    assert answer.body["ratings"] == given(installation.population).total()
    assert installation.rows("feedback") == []


def test_ratings_that_fail_cost_the_run_nothing_else(install: Install) -> None:
    installation = install(population())
    for settings, fault in (
        ({"LOOKER_FEEDBACK_QUERY_ID": "999"}, None),
        ({"LOOKER_FEEDBACK_QUERY_ID": QUERY, "LOOKER_FEEDBACK_RATING_KEY": "stars"}, None),
        # The second query of the run: the first is the users'.
        ({"LOOKER_FEEDBACK_QUERY_ID": QUERY}, Fault("403", path="/results$", after=1)),
    ):
        installation.looker.faults.clear()
        if fault:
            installation.looker.faults.add(fault)
        with installation.function(**settings) as function:
            answer = function.post("/historical")
        assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "partial", {"FeedbackFailed": 1})
        assert answer.body["users"]["failed"] == answer.body["users"]["unfinished"] == 0
        assert_holds(installation, everything(installation.population))
        assert installation.rows("feedback") == []
