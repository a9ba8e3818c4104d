"""Explicit windows and users: they fetch what they say, and leave no gap behind a watermark nor move it back."""

from datetime import datetime, timedelta

from local.function import FunctionServer
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, truth, watermarks


def moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def run(function: FunctionServer, path: str) -> None:
    answer = function.post(path)
    assert (answer.status, answer.body["state"]) == (200, "completed"), answer


def test_explicit_windows_and_users(install: Install) -> None:
    began = days_ago(4)
    installation = install(Population(users=3, conversations=24, mean_kb=16, now=began))
    population = installation.population
    one, two, three = (user.key for user in population.users)
    of_one = {each.id for each in population.conversations_of(one)} & set(population.reachable())
    old = sorted(population.reachable(), key=lambda id: population.expected(id)["updated_at"])

    # The ledger of this installation would begin before all conversations: an explicit window leaves a gap behind it.
    with installation.function(OVERLAP_MINUTES="0", LOOKBACK_DAYS="60") as function:
        # One user's history up to a moment: that user's watermark is that moment, nobody else has one.
        early = population.expected(old[len(old) // 2])["updated_at"]
        until_early = {id for id in old if population.expected(id)["updated_at"] <= early}
        run(function, f"/historical?users={one}&until={moment(early)}")
        expected = truth(population, of_one & until_early)
        assert_holds(installation, expected)
        assert watermarks(installation) == {one: early}

        # A window that begins after a watermark, or for users without one, leaves a gap behind it: rows, no watermark.
        since = began - timedelta(days=2)
        run(function, f"/daily?since={moment(since)}&until={moment(began)}")
        expected |= truth(population, population.reachable(since=since))
        assert_holds(installation, expected)
        assert watermarks(installation) == {one: early, two: None, three: None}

        # The history of everybody closes the gap.
        run(function, f"/historical?until={moment(began)}")
        expected = truth(population, population.reachable())
        assert_holds(installation, expected)
        assert watermarks(installation) == dict.fromkeys((one, two, three), began)

        # Fetching an old window again moves nothing back, and leaves what is newer alone.
        installation.looker.requests.clear()
        run(function, f"/historical?until={moment(early)}&refetch=true")
        assert installation.fetched() == sorted(until_early)
        assert_holds(installation, expected)
        assert watermarks(installation) == dict.fromkeys((one, two, three), began)
        rewritten = {row["id"] for row in installation.rows("conversations") if row["ingested_at"] >= began}
        assert rewritten >= until_early

        # Days later, one user is synced alone; a plain run catches up with the others, from their own watermarks.
        changes = population.advance(2)
        run(function, f"/daily?users={two}")
        moved = watermarks(installation)
        assert (moved[two] or began) > began
        assert (moved[one], moved[three]) == (began, began)
        installation.looker.requests.clear()
        run(function, "/daily")
        assert all((mark or began) > began for mark in watermarks(installation).values())
        expected |= truth(population, {*changes.created, *changes.updated} & set(population.reachable()))
        assert_holds(installation, expected)
        owners = {population.expected(id)["user_id"] for id in installation.fetched()}
        assert two not in owners
