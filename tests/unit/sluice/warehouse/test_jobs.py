"""A commit, whatever the jobs API answers: committed, refused with the right hint, or not known and so said."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from sluice.deadline import Deadline
from sluice.errors import CommitFailed, WarehouseError, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse import connection as waiting
from sluice.warehouse import jobs, ledger
from sluice.warehouse.connection import Connection
from sluice.warehouse.jobs import Jobs
from sluice.warehouse.ledger import Ledger
from tests.fakes.jobs import JobsApi, Script, Trouble, jobs_server
from tests.unit.sluice.warehouse.tables import settings

RUN = {"run_id": "r", "kind": "daily", "state": "completed", "started_at": datetime.now(UTC)}
FIRST, SECOND = "sluice_r_commit_1", "sluice_r_commit_2"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pauses, shorter."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "MAX_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(jobs, "FIRST_POLL_SECONDS", 0.01)
    monkeypatch.setattr(jobs, "MAX_POLL_SECONDS", 0.05)


@pytest.fixture
def not_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the ledger would tell: the fake computes nothing."""
    monkeypatch.setattr(Ledger, "_is_committed", lambda *_: False)


@contextmanager
def serving(script: Script, seconds: float = 20.0) -> Iterator[tuple[Ledger, JobsApi]]:
    with jobs_server(script) as (url, api), closing(Connection(settings(url), Deadline(seconds))) as connection:
        yield Ledger(connection), api


@pytest.mark.parametrize(
    "script",
    [
        Script(),
        Script(polls=4),
        Script(insert=[Trouble(503)]),
        Script(insert=[Trouble(403, "rateLimitExceeded")] * 3),
        Script(insert=[Trouble(503, done=True)]),
        Script(insert=[Trouble(0, done=True)]),
        Script(insert=[Trouble(200, done=True, breaks_off=True)]),
        Script(get=[Trouble(500, "backendError"), Trouble(0), Trouble(403, "rateLimitExceeded"), Trouble(429)]),
        Script(get=[Trouble(200, breaks_off=True)]),
        # The job was made, and is not known for a moment.
        Script(get=[Trouble(404, "notFound")] * 2),
        Script(insert=[Trouble(503, done=True)], get=[Trouble(404, "notFound")]),
    ],
)
def test_what_passes_leads_to_one_job_that_commits(script: Script) -> None:
    with serving(script) as (ledger, api):
        assert ledger.commit("p.d.staging", [], RUN) == FIRST
        assert list(api.jobs) == [FIRST]


@pytest.mark.parametrize(
    "reason",
    ["backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded", "invalidQuery"],
)
def test_a_job_that_broke_is_begun_again_under_another_id(reason: str) -> None:
    with serving(Script(ends=[reason])) as (ledger, api):
        assert ledger.commit("p.d.staging", [], RUN) == SECOND
        assert list(api.jobs) == [FIRST, SECOND]


def test_jobs_that_bigquery_breaks_are_begun_again_for_as_long_as_there_is_time() -> None:
    with serving(Script(ends=["backendError"] * 9)) as (ledger, api):
        ledger.commit("p.d.staging", [], RUN)
        assert len(api.jobs) == 10


def test_a_commit_that_met_another_one_is_tried_for_as_long_as_there_is_time() -> None:
    met = "invalidQuery: Transaction is aborted due to concurrent update against table p:d.sync_runs"
    with serving(Script(ends=[met] * 9)) as (ledger, api):
        ledger.commit("p.d.staging", [], RUN)
        assert len(api.jobs) == 10


@pytest.mark.usefixtures("not_committed")
def test_a_commit_that_is_refused_is_tried_a_few_times() -> None:
    with serving(Script(ends=["invalidQuery"] * 99)) as (commits, api), pytest.raises(CommitFailed) as caught:
        commits.commit("p.d.staging", [], RUN)
    assert len(api.jobs) == ledger.COMMIT_ATTEMPTS
    assert caught.value.status == 500
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("accessDenied", "Data Editor"),
        ("quotaExceeded", "quota"),
        ("billingNotEnabled", "billing"),
        ("notFound", "BQ_LOCATION"),
    ],
)
@pytest.mark.parametrize("by_job", [False, True])
@pytest.mark.usefixtures("not_committed")
def test_a_refusal_that_stays_is_told_at_once(reason: str, hint: str, by_job: bool) -> None:
    status = 404 if reason == "notFound" else 403
    script = Script(ends=[reason] * 9) if by_job else Script(insert=[Trouble(status, reason)] * 9)
    with serving(script) as (ledger, api), pytest.raises(WarehouseRefused) as caught:
        ledger.commit("p.d.staging", [], RUN)
    assert api.asked.count("insert") == 1
    assert hint in caught.value.hint
    assert caught.value.status == 500


@pytest.mark.parametrize(
    "script",
    [
        Script(polls=9999),
        Script(get=[Trouble(503)] * 9999),
        Script(insert=[Trouble(0)] * 9999),
        Script(insert=[Trouble(503, done=True)] + [Trouble(409, "duplicate")] * 99, get=[Trouble(503)] * 9999),
    ],
)
def test_what_is_not_known_at_the_deadline_is_left_to_the_next_run(script: Script) -> None:
    with serving(script, seconds=0.5) as (ledger, _), pytest.raises(WarehouseUnavailable) as caught:
        ledger.commit("p.d.staging", [], RUN)
    assert caught.value.status == 503
    assert "next run commits it" in caught.value.hint


def test_bigquery_may_be_away_until_just_before_the_deadline() -> None:
    deadline = Deadline(2.0)

    def answer() -> str:
        if deadline.remaining > 0.2:
            raise ConnectionError("away")
        return "back"

    assert waiting.Patience(deadline)(answer)() == "back"


def test_a_failure_that_stays_is_raised_at_once() -> None:
    asked: list[int] = []

    def refuse() -> None:
        asked.append(1)
        raise KeyError("a fault of the code")

    with pytest.raises(KeyError):
        waiting.Patience(Deadline(5))(refuse)()
    assert len(asked) == 1


def test_a_job_that_is_not_there_is_none_and_one_that_was_made_is_not_known() -> None:
    with jobs_server(Script()) as (url, _), closing(Connection(settings(url), Deadline(0.3))) as connection:
        assert Jobs(connection, "x").find("none") is None
        with pytest.raises(WarehouseError, match="does not know job none"):
            Jobs(connection, "x").ended("none")
