"""A run out of time commits what it has; repeated runs converge, even when one user alone takes longer than a run."""

import math
import time

from local.looker.faults import Fault
from local.looker.population import Population
from tests.conftest import Install
from tests.support.installation import Installation
from tests.support.truth import assert_holds, days_ago, everything, held, owed, watermarks

CONVERSATION = r"/conversations/(?!search)[^/]+$"
MOST_RUNS = 8
WORKERS = 4


def overhead(installation: Installation) -> float:
    """Seconds a run takes here besides fetching: checking tables, reading the ledger."""
    with installation.function() as function:
        function.post("/historical?dry-run=true")
        began = time.monotonic()
        assert function.post("/historical?dry-run=true").status == 200
        return time.monotonic() - began


def test_one_user_larger_than_the_budget(install: Install) -> None:
    # However slow this machine is: half of the budget is left for fetching, and all of it takes one and a half budgets.
    budget = max(3, math.ceil(2 * overhead(install(Population(users=1, conversations=1)))))
    population = Population(users=1, conversations=60, mean_kb=16, now=days_ago(1))
    expected = everything(population)
    installation = install(population)
    seconds = 1.5 * budget * WORKERS / len(expected)
    installation.looker.faults.add(Fault("slow", path=CONVERSATION, times=None, seconds=seconds))
    states: list[str] = []
    with installation.function(RUN_BUDGET_SECONDS=str(budget), WORKERS=str(WORKERS)) as function:
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
    assert len(fetches) - len(set(fetches)) <= WORKERS * len(states)
    assert installation.looker.open_tokens == 0
