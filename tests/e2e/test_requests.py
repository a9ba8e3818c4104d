"""What is asked over HTTP: malformed parameters, unknown paths, wrong methods, and a function without its settings."""

from collections.abc import Iterator

import pytest

from local.function import FunctionServer, in_this_process

# Nothing listens there: what these tests ask for must be answered before Looker or BigQuery are.
NOWHERE = {
    "LOOKER_BASE_URL": "http://127.0.0.1:9",
    "LOOKER_CLIENT_ID": "id-that-stays-secret",
    "LOOKER_CLIENT_SECRET": "secret-that-stays-secret",
    "LOOKER_USER_QUERY_ID": "4242",
    "GCP_PROJECT_ID": "local",
    "BQ_ENDPOINT": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def function() -> Iterator[FunctionServer]:
    with in_this_process(NOWHERE) as server:
        yield server


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("since=yesterday", "since"),
        ("since=2026-02-30", "since"),
        ("since=", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("since=2999-01-01", "since"),
        ("since=2026-03-02&until=2026-03-01", "since"),
        ("until=2026-13-01", "until"),
        ("until=1", "until"),
        ("users=", "users"),
        ("users=1,,2", "users"),
        ("users=1;DROP", "users"),
        ("users=a/../b", "users"),
        ("dry-run=perhaps", "dry-run"),
        ("dry_run=true", "dry_run"),
        ("dryrun=true", "dryrun"),
        ("dry-run=true&dry-run=false", "dry-run"),
        ("limit=3", "limit"),
    ],
)
@pytest.mark.parametrize("path", ["/daily", "/historical"])
def test_a_malformed_parameter_is_named(function: FunctionServer, path: str, query: str, named: str) -> None:
    answer = function.post(f"{path}?{query}")
    assert (answer.status, answer.body["step"]) == (400, "request")
    assert answer.body["error"].startswith(f"{named}: ")
    assert answer.body["retryable"] is False


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("POST", "/historical?refetch=2", "refetch"),
        ("POST", "/daily?refetch=true", "refetch"),
        ("GET", "/runs?limit=0", "limit"),
        ("GET", "/runs?limit=1001", "limit"),
        ("GET", "/runs?limit=-1", "limit"),
        ("GET", "/runs?limit=many", "limit"),
        ("GET", "/runs?limit=%C2%B2", "limit"),
        ("GET", "/runs?since=2026-01-01", "since"),
        ("GET", "/runs/20260101T000000-abcdef?limit=1", "limit"),
        ("GET", "/healthz?verbose=1", "verbose"),
    ],
)
def test_a_parameter_of_another_path_is_named(function: FunctionServer, method: str, path: str, named: str) -> None:
    answer = function.request(method, path)
    assert answer.status == 400
    assert answer.body["error"].startswith(f"{named}: ")


@pytest.mark.parametrize("path", ["/", "/dailyy", "/daily/now", "/run", "/historical/2026", "/healthz/x"])
def test_an_unknown_path_is_not_found(function: FunctionServer, path: str) -> None:
    for method in ("GET", "POST"):
        answer = function.request(method, path)
        assert answer.status == 404
        assert "POST /daily" in answer.body["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/daily", "POST"),
        ("GET", "/historical?since=nonsense", "POST"),
        ("DELETE", "/daily", "POST"),
        ("POST", "/runs", "GET"),
        ("POST", "/runs/20260101T000000-abcdef", "GET"),
        ("PUT", "/healthz", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(function: FunctionServer, method: str, path: str, allowed: str) -> None:
    answer = function.request(method, path)
    assert (answer.status, answer.body["allow"]) == (405, allowed)


def test_healthz_tells_the_version_and_no_secret(function: FunctionServer) -> None:
    answer = function.get("/healthz")
    assert answer.status == 200
    assert answer.body == {"status": "ok", "version": "0.1.0", "configuration": "complete", "dry_run": False}


def test_every_missing_or_wrong_setting_is_named_at_once_and_none_is_quoted() -> None:
    wrong = {
        **NOWHERE,
        "LOOKER_BASE_URL": "ftp://user:canary-in-url@example.com",
        "LOOKER_CLIENT_ID": "",
        "LOOKER_CLIENT_SECRET": "",
        "WORKERS": "canary-many",
        "RUN_BUDGET_SECONDS": "0",
        "DRY_RUN": "canary-perhaps",
    }
    with in_this_process(wrong) as function:
        for method, path in (("GET", "/healthz"), ("POST", "/daily"), ("POST", "/historical"), ("GET", "/runs")):
            answer = function.request(method, path)
            assert (answer.status, answer.body["step"]) == (500, "settings")
            names = ("LOOKER_BASE_URL", "LOOKER_CLIENT_ID", "LOOKER_CLIENT_SECRET", "WORKERS", "RUN_BUDGET_SECONDS")
            assert all(name in answer.body["error"] for name in (*names, "DRY_RUN"))
            assert "GCP_PROJECT_ID" not in answer.body["error"]
            assert "canary" not in str(answer.body)
