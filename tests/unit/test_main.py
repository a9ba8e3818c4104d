"""The function's entry point, with requests as the framework hands them over. Over HTTP: tests/e2e/test_requests.py."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import flask
import pytest
from werkzeug.test import EnvironBuilder

import main
from sluice import logs
from sluice.errors import LookerUnavailable, RequestError, SettingsError
from sluice.plan import Kind
from sluice.settings import Settings
from tests.unit.sluice.warehouse.tables import settings


@pytest.fixture
def chosen() -> Settings:
    return settings("http://127.0.0.1:9")


def request(path: str, method: str = "GET", **headers: str) -> flask.Request:
    return flask.Request(EnvironBuilder(path, method=method, headers=list(headers.items())).get_environ())


def answer_to(asked: flask.Request) -> flask.Response:
    answer = main.handle(asked)
    assert isinstance(answer, flask.Response)
    return answer


def order(query: str, chosen: Settings, kind: Kind = Kind.DAILY) -> Any:
    return main._order(request(f"/daily?{query}"), kind, chosen)


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("", None, None),
        ("since=2026-01-31", datetime(2026, 1, 31, tzinfo=UTC), None),
        ("until=2026-01-31", None, datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        (
            "since=2026-01-31&until=2026-01-31",
            datetime(2026, 1, 31, tzinfo=UTC),
            datetime.fromisoformat("2026-01-31T23:59:59.999999Z"),
        ),
        ("since=2026-01-31T12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC), None),
        ("since=2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC), None),
        ("since=2026-01-31T12:00:00%2B02:00", datetime(2026, 1, 31, 10, tzinfo=UTC), None),
        ("until=2100-01-01", None, datetime(2100, 1, 1, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_a_window(query: str, since: datetime | None, until: datetime | None, chosen: Settings) -> None:
    found = order(query, chosen)
    assert (found.since, found.until, found.kind) == (since, until, Kind.DAILY)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("since=2026-13-01", "since"),
        ("since=2026-01-31T12:00:00+02:00", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("since=2026-02-01&until=2026-01-31", "since"),
        ("since=2100-01-01", "since"),
        ("until=31.1.2026", "until"),
        ("users=", "users"),
        ("users=1,,2", "users"),
        ("users=1;2", "users"),
        ("users=../1", "users"),
        ("users=" + "1" * 65, "users"),
        ("dry-run=perhaps", "dry-run"),
        ("refetch=2", "refetch"),
    ],
)
def test_a_malformed_parameter_is_named(query: str, named: str, chosen: Settings) -> None:
    with pytest.raises(RequestError, match=f"^{named}: ") as caught:
        order(query, chosen)
    assert (caught.value.status, caught.value.parameter) == (400, named)


def test_users_are_named_once_each_in_their_order(chosen: Settings) -> None:
    assert order("users=3, 1,3,abc_-9", chosen).users == ("3", "1", "abc_-9")
    assert order("", chosen).users is None


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", False),
        ("dry-run", True),
        ("dry-run=", True),
        ("dry-run=TRUE", True),
        ("dry-run=1", True),
        ("dry-run=no", False),
    ],
)
def test_a_flag(query: str, value: bool, chosen: Settings) -> None:
    assert order(query, chosen).dry_run is value


def test_the_environment_wins_over_the_request(chosen: Settings) -> None:
    always = chosen.model_copy(update={"dry_run": True})
    for query in ("", "dry-run=false", "dry-run=true"):
        assert order(query, always).dry_run


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404),
        ("/dailyx", "POST", 404),
        ("/daily", "GET", 405),
        ("/historical/", "PUT", 405),
        ("/runs", "POST", 405),
        ("/runs/x", "DELETE", 405),
        ("/healthz", "POST", 405),
        ("/daily?since=x", "GET", 405),
    ],
)
def test_other_paths_and_methods(path: str, method: str, status: int) -> None:
    answer = answer_to(request(path, method))
    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    assert "error" in json.loads(answer.get_data())
    assert ("Allow" in answer.headers) is (status == 405)


@pytest.mark.parametrize(
    ("path", "method", "named"),
    [
        ("/daily?dryrun=true", "POST", "dryrun"),
        ("/daily?refetch=true", "POST", "refetch"),
        ("/daily?since=2026-01-01&since=2026-01-02", "POST", "since"),
        ("/runs?limit=0", "GET", "limit"),
        ("/runs?limit=1001", "GET", "limit"),
        ("/runs?limit=many", "GET", "limit"),
        (f"/runs?limit={'9' * 5000}", "GET", "limit"),
        ("/runs/x?limit=1", "GET", "limit"),
        ("/healthz?x=1", "GET", "x"),
    ],
)
def test_an_unknown_or_impossible_parameter_is_400(path: str, method: str, named: str, environment: None) -> None:
    answer = answer_to(request(path, method))
    body = json.loads(answer.get_data())
    assert (answer.status_code, body["step"], body["retryable"]) == (400, "request", False)
    assert body["error"].startswith(f"{named}: ")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"LOOKER_BASE_URL": "http://127.0.0.1:9", "LOOKER_CLIENT_ID": "i", "LOOKER_CLIENT_SECRET": "s"}
    for name, value in {**own, "LOOKER_USER_QUERY_ID": "1", "GCP_PROJECT_ID": "p"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("path", ["/healthz", "/health", "/healthz/"])
def test_healthz(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answer_to(request(path))
    assert (answer.status_code, json.loads(answer.get_data())["status"]) == (200, "ok")
    monkeypatch.delenv("GCP_PROJECT_ID")
    broken = answer_to(request(path))
    assert broken.status_code == 500
    assert "GCP_PROJECT_ID is missing" in json.loads(broken.get_data())["error"]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("error", "status", "step", "retryable"),
    [
        (LookerUnavailable("GET /x: HTTP 502"), 503, "looker", True),
        (SettingsError("X is missing"), 500, "settings", False),
        (KeyError("canary text"), 500, "run", False),
    ],
)
def test_a_failure_says_which_step_failed_and_what_to_do(
    error: Exception,
    status: int,
    step: str,
    retryable: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(main, "run", fail)
    answer = answer_to(request("/daily", "POST"))
    body = json.loads(answer.get_data())
    assert (answer.status_code, body["state"], body["step"], body["retryable"]) == (status, "failed", step, retryable)
    assert body["hint"]
    assert body["run_id"]
    assert "canary" not in json.dumps(body)


@pytest.mark.usefixtures("environment")
def test_the_run_is_bound_to_the_log_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def fail(chosen: Settings, wanted: Any, run_id: str) -> None:
        seen.update(logs._bound.get() or {}, expected=run_id)
        raise LookerUnavailable("x")

    monkeypatch.setattr(main, "run", fail)
    answer_to(request("/daily", "POST", **{"X-Cloud-Trace-Context": "abc123/1;o=1"}))
    assert seen["run_id"] == seen["expected"]
    assert seen["logging.googleapis.com/trace"] == "projects/p/traces/abc123"
    assert logs._bound.get() is None


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
