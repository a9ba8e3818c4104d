"""What a run staged and could not commit, the next run commits before it fetches anything."""

import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from local_bigquery.jobs import runner

from local.looker.population import Population
from tests.conftest import Install
from tests.support.installation import Installation
from tests.support.truth import assert_holds, days_ago, everything, watermarks

type Delay = Callable[[str, float], None]


@pytest.fixture
def delay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Delay]:
    """Lets each load or query job of the emulator whose id holds a text take longer, as BigQuery's queue may."""
    slow: dict[str, float] = {}
    released = Event()
    execute = runner._execute

    def delayed(job: Any, *arguments: Any) -> None:
        pause = next((seconds for text, seconds in slow.items() if text in job.jobReference.jobId), 0.0)
        if pause:
            released.wait(pause)
        execute(job, *arguments)

    monkeypatch.setattr(runner, "_execute", delayed)
    yield slow.__setitem__
    released.set()


def states(installation: Installation, run_id: str) -> set[str]:
    return {row["state"] for row in installation.rows("sync_runs") if row["run_id"] == run_id}


def staged(installation: Installation) -> list[str]:
    return [name for name in installation.tables() if name.startswith("staging_")]


def settle(installation: Installation) -> None:
    while any(job.state != "DONE" for job in installation.client.list_jobs(max_results=20)):
        time.sleep(0.05)


@pytest.mark.parametrize("slow", ["_load", "_commit_"])
def test_a_job_slower_than_the_run(install: Install, delay: Delay, slow: str) -> None:
    installation = install(Population(users=3, conversations=12, mean_kb=8, now=days_ago(1)))
    expected = everything(installation.population)
    limits = {"RUN_BUDGET_SECONDS": "10", "RUN_LIMIT_SECONDS": "20"}
    delay(slow, 30.0)
    with installation.function(**limits) as function:
        first = function.post("/historical")
    assert (first.status, first.body["retryable"]) == (503, True)
    assert "next run" in first.body["hint"]
    assert installation.rows("conversations") == []
    assert states(installation, first.body["run_id"]) == {"running", "failed"}
    assert len(staged(installation)) == 1
    fetches = installation.fetched()

    settle(installation)
    delay(slow, 0.0)
    with installation.function() as function:
        second = function.post("/historical")
        listed = function.get(f"/runs/{first.body['run_id']}")
    assert (second.status, second.body["state"]) == (200, "completed"), second
    assert installation.fetched() == fetches, "nothing is fetched again"
    assert_holds(installation, expected)
    assert second.body["adopted"] == ([first.body["run_id"]] if slow == "_load" else [])
    assert listed.body["state"] == "completed"
    assert staged(installation) == []
    assert all(watermarks(installation).values())
