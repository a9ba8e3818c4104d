"""Which users a run asks for, and what it makes of a slow or odd System Activity query."""

from local.looker.app import ADMIN_ID
from local.looker.faults import Fault
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything


def population(users: int = 3) -> Population:
    return Population(seed=3, users=users, conversations=20, mean_kb=1, now=days_ago(1))


def test_without_a_query_every_enabled_user_is_asked_for(install: Install) -> None:
    installation = install(population(users=8))
    with installation.function(LOOKER_USER_QUERY_ID="") as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "completed", {})
    assert_holds(installation, everything(installation.population))
    assert ADMIN_ID in {row["user_id"] for row in installation.rows("sync_users")}
    assert installation.looker.queries.started == 0


def test_a_query_slower_than_any_request_may_be_is_started_once(install: Install) -> None:
    installation = install(population(), query_seconds=6.0)
    with installation.function(LOOKER_TIMEOUT_SECONDS="5") as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["state"]) == (200, "completed")
    assert installation.looker.queries.started == 1


def test_a_query_slower_than_the_run_may_be_fails_it_for_now(install: Install) -> None:
    installation = install(population(), query_seconds=600.0)
    with installation.function(RUN_BUDGET_SECONDS="5") as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["step"], answer.body["retryable"]) == (503, "discover", True)
    assert "LOOKER_USER_QUERY_ID" in answer.body["hint"]


def test_an_older_looker_is_asked_the_plain_way_once(install: Install) -> None:
    installation = install(population(), query_tasks=False)
    with installation.function() as function:
        assert function.post("/historical").body["state"] == "completed"
        installation.looker.faults.add(Fault("502", path="/run/json", times=None))
        answer = function.post("/historical")
    assert (answer.status, answer.body["retryable"]) == (503, True)
    assert installation.looker.faults.fired == {"502": 1}
