"""A run that cannot be done: the right status, the step, what to do, nothing committed, and the ledger says so."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.function import Answer
from local.looker.faults import Fault
from local.looker.population import Population
from local.looker.server import serve
from local.warehouse.emulator import Warehouse
from sluice.warehouse import connection
from tests.support.installation import Installation, installed
from tests.support.truth import days_ago

NOTHING_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def installation(warehouse: Warehouse, tables_only: Path) -> Iterator[Installation]:
    """Shared by tests that must leave everything but the ledger empty."""
    population = Population(users=14, conversations=20, mean_kb=16, now=days_ago(1))
    with installed(warehouse, tables_only, population) as running:
        yield running


def failed(installation: Installation, answer: Answer, status: int, step: str) -> dict[str, Any]:
    """Assert that nothing was written but the run's two rows; give the later of them."""
    assert (answer.status, answer.body["state"], answer.body["step"]) == (status, "failed", step)
    assert answer.body["retryable"] is (status == 503)
    assert answer.body["hint"]
    for table in ("conversations", "rejects", "sync_users"):
        assert installation.rows(table) == []
    assert installation.tables() == ["conversations", "feedback", "rejects", "sync_runs", "sync_users"]
    rows = [row for row in installation.rows("sync_runs") if row["run_id"] == answer.body["run_id"]]
    assert sorted(row["state"] for row in rows) == ["failed", "running"]
    end = next(row for row in rows if row["state"] == "failed")
    assert end["failure"] == {key: answer.body[key] for key in ("step", "error", "hint")}
    return end


@pytest.mark.parametrize(
    ("setting", "value", "step"),
    [
        ("LOOKER_CLIENT_SECRET", "wrong", "login"),
        ("LOOKER_USER_QUERY_ID", "999", "discover"),
        ("LOOKER_USER_ID_KEY", "user.name", "discover"),
    ],
)
def test_a_setting_that_looker_refuses(installation: Installation, setting: str, value: str, step: str) -> None:
    with installation.function(**{setting: value}) as function:
        answer = function.post("/daily")
    failed(installation, answer, 500, step)
    assert installation.looker.open_tokens == 0


def test_impersonation_refused_for_everybody_ends_the_run_early(installation: Installation) -> None:
    population = Population(users=200, conversations=20, mean_kb=16, now=days_ago(1))
    with serve(population, impersonation_allowed=False, latency_seconds=0.05) as looker:
        with installation.function(LOOKER_BASE_URL=looker.url, WORKERS="8") as function:
            answer = function.post("/historical")
        failed(installation, answer, 500, "impersonate")
        assert "embed" in answer.body["hint"]
        assert len(looker.requests.find(r"/login/", "POST")) < 40
        assert looker.open_tokens == 0


@pytest.mark.parametrize(("tasks", "told"), [(True, "HTTP 400"), (False, "looker_error")])
def test_a_query_that_fails_inside_looker(installation: Installation, tasks: bool, told: str) -> None:
    error = "canary: column users.email is wrong"
    with serve(installation.population, discovery_error=error, query_tasks=tasks) as looker:
        with installation.function(LOOKER_BASE_URL=looker.url) as function:
            answer = function.post("/daily")
        failed(installation, answer, 500, "discover")
        assert told in answer.body["error"]
        assert "canary" not in str(answer.body)


def test_looker_down_from_the_start(installation: Installation) -> None:
    with installation.function(LOOKER_BASE_URL=NOTHING_LISTENS, LOOKER_RETRIES="1") as function:
        answer = function.post("/daily")
    failed(installation, answer, 503, "login")


def test_looker_down_before_anything_is_read(installation: Installation) -> None:
    looker = installation.looker
    # The logins of users, and nothing after them.
    looker.faults.add(Fault("502", times=None, after=4))
    try:
        with installation.function(LOOKER_RETRIES="1", WORKERS="4") as function:
            answer = function.post("/historical")
        failed(installation, answer, 503, answer.body["step"])
    finally:
        looker.faults.clear()


def test_conversations_refused_for_everybody(installation: Installation) -> None:
    left_open = installation.looker.open_tokens
    installation.looker.faults.add(Fault("403", path="/conversations/search", times=None))
    try:
        with installation.function() as function:
            failed(installation, function.post("/daily"), 500, "list")
        assert installation.looker.open_tokens == left_open
    finally:
        installation.looker.faults.clear()


def test_the_ledger_over_http(installation: Installation) -> None:
    """Every failure above is there, newest first."""
    with installation.function() as function:
        listed = function.get("/runs").body["runs"]
        states = {row["run_id"]: row["state"] for row in listed}
        assert set(states.values()) == {"failed"}
        assert list(states) == [
            row["run_id"] for row in sorted(listed, key=lambda row: row["started_at"], reverse=True)
        ]
        assert set(states) == {row["run_id"] for row in installation.rows("sync_runs")}
        assert function.get("/runs?limit=2").body["runs"] == listed[:2]
        one = function.get(f"/runs/{listed[-1]['run_id']}")
        assert (one.status, one.body) == (200, listed[-1])
        assert function.get("/runs/20200101T000000-abcdef").status == 404


def test_bigquery_down(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    # A minute is right for BigQuery and long for a test.
    monkeypatch.setattr(connection, "READ_SECONDS", 2.0)
    limits = {"RUN_BUDGET_SECONDS": "1", "RUN_LIMIT_SECONDS": "2"}
    with installation.function(BQ_ENDPOINT=NOTHING_LISTENS, **limits) as function:
        for method, path in (("POST", "/daily"), ("GET", "/runs")):
            begin = time.monotonic()
            answer = function.request(method, path)
            assert (answer.status, answer.body["retryable"]) == (503, True)
            assert answer.body["hint"]
            assert time.monotonic() - begin < 10


def test_tables_that_are_missing_or_other_than_defined(installation: Installation, warehouse: Warehouse) -> None:
    with installation.function(BQ_DATASET="nowhere") as function:
        answer = function.post("/daily?dry-run=true")
        assert (answer.status, answer.body["step"]) == (500, "check tables")
        for table in ("conversations", "rejects", "feedback", "sync_runs", "sync_users"):
            assert f"local.nowhere.{table} does not exist" in answer.body["error"]
    with installation.function(BQ_TABLE="sync_users") as function:
        answer = function.post("/historical")
        assert (answer.status, answer.body["step"]) == (500, "check tables")
        assert f"{installation.dataset}.sync_users.messages is missing or not JSON" in answer.body["error"]
        assert "sync_users.user_id" not in answer.body["error"]
    assert "nowhere" not in {each.dataset_id for each in installation.client.list_datasets()}
