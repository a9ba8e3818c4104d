"""A run out of time commits what it has; repeated runs converge, even when one user alone takes longer than a run."""

from itertools import pairwise

from local.looker.faults import Fault
from local.looker.population import Population
from tests.conftest import Install
from tests.support.installation import FETCHES
from tests.support.truth import assert_holds, days_ago, everything, held, owed, watermarks

MOST_RUNS = 8
WORKERS = 4
AT_ONCE = 20
# What is under way when the time is over is waited for.
SHARE = AT_ONCE + WORKERS


def test_one_user_larger_than_the_budget(install: Install) -> None:
    population = Population(users=1, conversations=60, mean_kb=16, now=days_ago(1))
    expected = everything(population)
    installation = install(population)
    budget, states, committed = 8, ["partial"], [0]
    while states[-1] == "partial" and len(states) <= MOST_RUNS:
        # The first of a run are answered at once, the others later than it ends: no speed makes one run enough.
        installation.looker.faults.clear()
        installation.looker.faults.add(Fault("slow", path=FETCHES, times=None, after=AT_ONCE, seconds=budget))
        before = held(installation)
        with installation.function(RUN_BUDGET_SECONDS=str(budget), WORKERS=str(WORKERS)) as function:
            answer = function.post("/historical")
        assert answer.status == 200
        states.append(answer.body["state"])
        rows = held(installation)
        committed.append(len(rows))
        assert len(rows) == len(before) + answer.body["conversations"]["fetched"]
        assert all(rows[id] == row for id, row in before.items())
        if states[-1] == "partial":
            assert answer.body["users"]["unfinished"] == 1
            assert set(owed(installation)) == {"12"}
            assert watermarks(installation) == {"12": None}
        if len(rows) - len(before) < AT_ONCE:
            # This machine needs nearly as long to read the ledger; what is under test comes after that.
            budget = min(2 * budget, 32)
    assert states[-1] == "completed"
    # More than two runs' worth, and no run more than its share.
    assert len(expected) > 2 * SHARE
    assert all(later - earlier <= SHARE for earlier, later in pairwise(committed))
    assert_holds(installation, expected)
    assert owed(installation) == {}
    # What a run commits, the next one skips; only what was under way when its time was over is asked for again.
    fetches = installation.fetched()
    assert len(fetches) - len(set(fetches)) <= WORKERS * (len(states) - 2)
    assert installation.looker.open_tokens == 0
