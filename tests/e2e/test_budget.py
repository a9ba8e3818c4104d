"""A run out of time commits what it has; repeated runs converge, even when one user alone takes longer than a run."""

from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything, held, owed, watermarks

MOST_RUNS = 12


def test_one_user_larger_than_the_budget(install: Install) -> None:
    population = Population(users=1, conversations=60, mean_kb=16, now=days_ago(1))
    installation = install(population, latency_seconds=0.25)
    expected = everything(population)
    states: list[str] = []
    with installation.function(RUN_BUDGET_SECONDS="4", WORKERS="4") as function:
        while (not states or states[-1] == "partial") and len(states) < MOST_RUNS:
            before = held(installation)
            answer = function.post("/historical")
            assert answer.status == 200
            states.append(answer.body["state"])
            rows = held(installation)
            assert len(rows) == len(before) + answer.body["conversations"]["fetched"]
            assert all(rows[id] == row for id, row in before.items())
            if states[-1] == "partial":
                assert answer.body["users"]["unfinished"] == 1
                assert set(owed(installation)) == {"12"}
                assert watermarks(installation) == {"12": None}
    assert states[0] == "partial"
    assert states[-1] == "completed"
    assert_holds(installation, expected)
    assert owed(installation) == {}
    # Nothing is fetched twice: what a run commits, the next one skips.
    fetches = installation.fetched()
    assert len(fetches) - len(set(fetches)) <= 4 * len(states)
    assert installation.looker.open_tokens == 0
