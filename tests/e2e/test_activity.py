"""Daily runs that leave out who was not active: fewer requests, nothing lost."""

from datetime import UTC, datetime, timedelta

from local.looker.cast import Standing
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, everything, watermarks

KEY = "user.last_active"
LOGINS = r"/login/[^/]+$"


def test_who_was_not_active_is_left_out_and_later_missed_by_nobody(install: Install) -> None:
    # The days pass before the function's own now, where its watermarks are: the overlap reaches back over one of them.
    # Users enough that some of them rest meanwhile; of ten, all may have been active.
    population = Population(users=40, conversations=40, mean_kb=16, now=datetime.now(UTC) - timedelta(days=4))
    installation = install(population, discovery_active_only=True, discovery_activity_field=KEY)
    journal = installation.looker.requests
    with installation.function(LOOKER_USER_ACTIVITY_KEY=KEY, OVERLAP_MINUTES="5760") as function:
        assert function.post("/historical").status == 200
        before, expected = watermarks(installation), everything(population)
        changes = population.advance(3)
        changed = {*changes.created, *changes.updated} & set(population.reachable())

        journal.clear()
        daily = function.post("/daily")
        assert daily.body["state"] == "completed"
        asked = {record.path.rpartition("/")[2] for record in journal.find(LOGINS, "POST")}
        owners = {each.user_id for id in changed if (each := population.conversation(id))}
        active = {user.key for user in population.discoverable() if user.standing is Standing.ACTIVE}
        assert owners & active <= asked < active
        assert daily.body["users"] == {
            "seen": len(active),
            "finished": len(active),
            "skipped": 0,
            "failed": 0,
            "unfinished": 0,
        }
        assert daily.body["conversations"]["fetched"] > 0
        # What was deleted meanwhile is held as it was.
        assert_holds(installation, expected | everything(population))

        # Who was left out is where they were; everybody else moved on.
        after = watermarks(installation)
        assert {user for user in before if after[user] == before[user]} == set(before) - asked
        assert installation.looker.open_tokens == 0


def test_a_column_that_is_not_in_the_query_fails_the_run_by_name(install: Install) -> None:
    installation = install(Population(users=2, conversations=2, mean_kb=16))
    with installation.function(LOOKER_USER_ACTIVITY_KEY=KEY) as function:
        answer = function.post("/daily")
    assert (answer.status, answer.body["step"]) == (500, "discover")
    assert f"has no {KEY}" in answer.body["error"]
    assert installation.looker.requests.find(LOGINS) == []
