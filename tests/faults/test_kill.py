"""The function killed with SIGKILL at any moment: all or nothing is committed, and the next run makes up for it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.function import Answer, FunctionServer
from local.looker.population import Population
from tests.conftest import Install
from tests.support.installation import Installation
from tests.support.truth import Truth, assert_holds, days_ago, everything, held, watermarks

FULL = "/historical?refetch=true"

type Moment = Callable[[Installation], None]


def request(number: int) -> Moment:
    """When Looker has answered that many requests."""

    def wait(installation: Installation) -> None:
        while installation.looker.requests.total < number:
            time.sleep(0.002)

    return wait


def after_fetching(seconds: float) -> Moment:
    """So long after the last conversation was fetched: while its rows are loaded and committed."""

    def wait(installation: Installation) -> None:
        fetches = len(installation.population.reachable())
        while len(installation.fetched()) < fetches:
            time.sleep(0.002)
        time.sleep(seconds)

    return wait


def killed(function: FunctionServer, installation: Installation, moment: Moment) -> None:
    """Kill the function at that moment of a run over everything."""
    installation.looker.requests.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(function.post, FULL)
        moment(installation)
        function.kill()
        _gone_or_done(answer.exception, answer.result)


def _gone_or_done(failure: Callable[[], BaseException | None], result: Callable[[], Answer]) -> None:
    """A run that ended before its moment came is as good a case; any other answer is not."""
    if (error := failure()) is not None:
        assert isinstance(error, OSError)
    else:
        assert result().status == 200


def settle(installation: Installation) -> None:
    """Wait for the jobs that outlived the function that started them."""
    while any(job.state != "DONE" for job in installation.client.list_jobs(max_results=20)):
        time.sleep(0.05)


def assert_all_or_nothing(installation: Installation, before: Truth, after: Truth) -> None:
    """What is committed of the killed run is all of it, rows, watermarks and ledger together, or nothing."""
    run_id = max(row["run_id"] for row in installation.rows("sync_runs"))
    states = {row["state"] for row in installation.rows("sync_runs") if row["run_id"] == run_id}
    written = {id for id, row in held(installation).items() if row["run_id"] == run_id}
    moved = {row["user_id"] for row in installation.rows("sync_users") if row["run_id"] == run_id}
    if "completed" in states:
        assert written == set(installation.population.reachable())
        assert moved == {user.key for user in installation.population.discoverable()}
        assert_holds(installation, after)
    else:
        assert states == {"running"}
        assert not written
        assert not moved
        assert_holds(installation, before)


def survive(install: Install, log: Path, moments: list[Moment]) -> None:
    installation = install(
        Population(seed=5, users=3, conversations=24, mean_kb=16, now=days_ago(25)), latency_seconds=0.01
    )
    population = installation.population
    before: Truth = {}
    with installation.function(OVERLAP_MINUTES="10080") as clean:
        for moment in moments:
            after = everything(population) | {id: row for id, row in before.items() if id not in population.reachable()}
            with installation.function_apart(log, WORKERS="4", OVERLAP_MINUTES="10080") as function:
                killed(function, installation, moment)
            settle(installation)
            assert_all_or_nothing(installation, before, after)

            marks = watermarks(installation)
            answer = clean.post("/historical")
            assert (answer.status, answer.body["state"]) == (200, "completed"), answer
            assert_holds(installation, after)
            assert installation.rows("rejects") == []
            reached = watermarks(installation)
            assert all(mark is not None and mark > (marks.get(user) or days_ago(99)) for user, mark in reached.items())
            before = after
            population.advance()
    staged = [name for name in installation.tables() if name.startswith("staging_")]
    assert all(installation.client.get_table(f"{installation.dataset}.{name}").expires for name in staged)


def test_killed_while_fetching_and_while_loading(install: Install, tmp_path: Path) -> None:
    survive(install, tmp_path / "log", [request(12), after_fetching(0.4)])


@pytest.mark.slow
def test_killed_at_twenty_moments(install: Install, tmp_path: Path) -> None:
    counted = [request(number) for number in (1, 2, 3, 4, 6, 8, 10, 13, 16, 20)]
    timed = [after_fetching(0.25 * step) for step in range(10)]
    survive(install, tmp_path / "log", [moment for pair in zip(counted, timed, strict=True) for moment in pair])
