"""A System Activity query, at the simulated Looker: started once, whatever happens."""

import time
from typing import Any

import pytest

from local.looker.app import Looker as Simulated
from local.looker.faults import Fault
from sluice.errors import DiscoveryFailed, LoginRefused, LookerUnavailable
from sluice.looker import query
from sluice.looker.brake import Brake
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.sessions import Scripted, client

pytestmark = pytest.mark.usefixtures("impatient")


def rows(looker: Simulated, brake: Brake | None = None, query_id: str | None = None, **others: Any) -> list[query.Row]:
    admin = client(looker, **others).admin
    return query.rows(admin, query_id or looker.query_id, DiscoveryFailed, brake or Brake())


def test_a_query_that_outlasts_the_time_out_of_a_request_is_started_once(start: Start) -> None:
    looker = start(query_seconds=6.0)
    assert rows(looker, looker_timeout_seconds=5)
    assert looker.queries.started == 1
    assert looker.requests.find("/run/") == []


def test_without_tasks_it_is_run_the_plain_way(start: Start) -> None:
    looker = start(query_tasks=False)
    assert len(rows(looker)) == len(looker.population.discoverable())
    assert looker.queries.started == 1


@pytest.mark.parametrize("kind", ["502", "503", "drop", "garbage", "truncated", "500"])
def test_where_the_plain_way_fails_it_is_not_started_again(start: Start, kind: str) -> None:
    looker = start(query_tasks=False)
    looker.faults.add(Fault(kind, path="/run/json", times=None))
    with pytest.raises((LookerUnavailable, DiscoveryFailed)):
        rows(looker, looker_retries=5)
    assert looker.faults.fired == {kind: 1}


@pytest.mark.parametrize("kind", ["403", "404", "500", "502", "503", "drop", "garbage", "truncated", "invalid-json"])
def test_where_no_task_can_be_had_it_is_run_the_plain_way(start: Start, kind: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, path="/query_tasks$", times=None))
    assert rows(looker, looker_retries=5)
    assert looker.faults.fired == {kind: 1}
    assert looker.queries.started <= 2


@pytest.mark.parametrize("kind", ["429", "500", "502", "503", "drop", "garbage", "truncated", "expire"])
@pytest.mark.parametrize("path", [r"/query_tasks/\w+$", "/results$"])
def test_what_only_asks_is_asked_again(start: Start, kind: str, path: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, path=path))
    assert rows(looker)
    assert looker.queries.started == 1


def test_an_api_key_that_is_refused_is_told_as_that(start: Start) -> None:
    looker = start()
    with pytest.raises(LoginRefused):
        rows(looker, looker_client_secret="wrong")
    assert looker.requests.find("/quer") == []


def test_a_looker_that_is_down_is_asked_no_more_often_for_it(start: Start) -> None:
    looker = start()
    looker.faults.add(Fault("503", path="/login$", times=None))
    with pytest.raises(LookerUnavailable):
        rows(looker, looker_retries=2)
    assert looker.faults.fired == {"503": 3}


def test_it_is_waited_for_no_longer_than_the_run_lasts(start: Start) -> None:
    looker = start(query_seconds=600.0)
    begun = time.monotonic()
    with pytest.raises(LookerUnavailable, match="before the run's time was over") as caught:
        rows(looker, Brake(deadline=begun + 1.0))
    assert (caught.value.step, caught.value.status) == ("discover", 503)
    assert "RUN_BUDGET_SECONDS" in caught.value.hint
    assert looker.queries.started == 1


@pytest.mark.parametrize(
    ("kind", "advice"), [("403", "see_system_activity"), ("404", "make looker-query"), ("500", "must run there")]
)
def test_a_refusal_is_told_with_what_to_do(start: Start, kind: str, advice: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, path="/results$", times=None))
    with pytest.raises(DiscoveryFailed, match=f"query {looker.query_id}: HTTP {kind}") as caught:
        rows(looker, looker_retries=0)
    assert advice in caught.value.hint


class Tasks(Scripted):
    """Takes a task; the statuses and results are scripted."""

    def post(self, path: str, body: object, **query: str | int | bool) -> bytes:
        self.paths.append(path)
        return b'{"id": "t", "status": "added"}'


def test_results_that_are_not_there_yet_are_asked_for_again() -> None:
    complete = b'{"id": "t", "status": "complete"}'
    admin = Tasks(complete, b"", complete, complete, complete, b'[{"user.id": 7}]')
    assert query.rows(admin, "q", DiscoveryFailed, Brake()) == [{"user.id": 7}]
    assert admin.paths == ["/query_tasks", *["/query_tasks/t", "/query_tasks/t/results"] * 3]


def test_results_that_never_come_are_given_up() -> None:
    complete = b'{"id": "t", "status": "complete"}'
    with pytest.raises(DiscoveryFailed, match="not answered with a list of rows"):
        query.rows(Tasks(*[complete] * 12), "q", DiscoveryFailed, Brake())


@pytest.mark.parametrize("status", ["error", "failure", "killed", "expired"])
def test_a_task_that_failed_is_not_waited_for(status: str) -> None:
    answer = b'{"id": "t", "status": "%s"}' % status.encode()
    with pytest.raises(DiscoveryFailed, match=status):
        query.rows(Tasks(answer), "q", DiscoveryFailed, Brake())


def test_a_failure_told_with_200_is_a_failure_and_its_text_stays_inside() -> None:
    body = b'[{"looker_error": "Unknown field ann.lee@example.com"}]'
    with pytest.raises(DiscoveryFailed, match=r"failed inside Looker \(looker_error\)") as caught:
        query.rows(Scripted(body), "q", DiscoveryFailed, Brake())
    assert "ann.lee" not in str(caught.value)
