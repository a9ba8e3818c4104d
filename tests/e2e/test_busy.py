"""While a run is under way the function still answers, and says so to whoever wants another."""

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

from local.function import Answer, FunctionServer
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import days_ago


def scheduled(function: FunctionServer) -> int:
    """Status of a call as Cloud Scheduler makes it."""
    request = urllib.request.Request(f"{function.url}/daily", method="POST", headers={"X-CloudScheduler": "true"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def under_way(function: FunctionServer) -> Answer:
    """The ledger, once it shows a run that is under way."""
    until = monotonic() + 60
    while monotonic() < until:
        answer = function.get("/runs")
        if answer.status == 200 and answer.body["runs"]:
            return answer
        sleep(0.05)
    raise TimeoutError("no run began")


def test_a_run_under_way_can_be_looked_at_and_a_second_one_is_told_of_it(install: Install) -> None:
    population = Population(users=2, conversations=20, now=days_ago(1))
    installation = install(population, latency_seconds=0.2)
    with installation.function(WORKERS="1") as function, ThreadPoolExecutor(1) as pool:
        first = pool.submit(function.post, "/historical")
        ledger = under_way(function)
        run_id = ledger.body["runs"][0]["run_id"]
        refused, asked_again = function.post("/daily"), scheduled(function)
        assert not first.done(), "the run was to be under way still"
        assert function.get("/healthz").status == 200
        assert (refused.status, refused.body["retryable"]) == (409, False)
        assert run_id in refused.body["error"]
        assert "GET /runs" in refused.body["hint"]
        assert asked_again == 503
        assert first.result().status == 200
        assert scheduled(function) == 200
    assert len({row["run_id"] for row in installation.rows("sync_runs")}) == 2
