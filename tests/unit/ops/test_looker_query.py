"""`python -m ops looker-query`, at the simulated Looker."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from local.looker.app import Looker
from local.looker.faults import Fault
from local.looker.population import Population
from local.looker.server import serve
from ops.__main__ import main

NOW = datetime.fromisoformat("2026-11-01T00:00:00Z")


@pytest.fixture
def looker() -> Iterator[Looker]:
    with serve(Population(users=12, conversations=0, now=NOW)) as looker:
        yield looker


@pytest.fixture
def env_file(looker: Looker, tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    lines = [
        f"LOOKER_BASE_URL={looker.url}",
        f"LOOKER_CLIENT_ID={looker.client_id}",
        f"LOOKER_CLIENT_SECRET={looker.client_secret}",
        "LOOKER_RETRIES=0",
        "WORKERS=not-asked-for",
    ]
    path.write_text("\n".join(lines))
    return path


def query(env_file: Path) -> None:
    main(["looker-query", "--env-file", str(env_file)])


def test_the_query_is_made_tried_and_named(looker: Looker, env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(env_file)
    first, second, third = capsys.readouterr().out.splitlines()
    query_id = first.removeprefix("LOOKER_USER_QUERY_ID=")
    assert query_id.isdecimal()
    assert second == f"It lists {len(looker.population.discoverable())} users; 0 ids could not be read."
    assert third.endswith(f"looker-user-query-id {query_id}")
    assert looker.open_tokens == 0


def test_made_again_it_is_the_same(env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query(env_file)
    once = capsys.readouterr().out
    query(env_file)
    assert capsys.readouterr().out == once


@pytest.mark.parametrize(
    ("kind", "path", "told"),
    [
        ("404", "/login$", "LOOKER_CLIENT_ID"),
        ("403", "/queries$", "HTTP 403"),
        ("invalid-json", "/queries$", "no query"),
        ("502", "/queries$", "HTTP 502"),
        ("403", "/results$", "see_system_activity"),
    ],
)
def test_what_failed_is_said_with_what_to_do(looker: Looker, env_file: Path, kind: str, path: str, told: str) -> None:
    looker.faults.add(Fault(kind, path=path, times=None))
    with pytest.raises(SystemExit) as caught:
        query(env_file)
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2
    assert looker.client_secret not in str(caught.value)


def test_settings_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="LOOKER_BASE_URL is missing") as caught:
        query(tmp_path / "none")
    assert "GCP_PROJECT_ID" not in str(caught.value)


def test_the_environment_wins_over_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKER_CLIENT_SECRET", "wrong")
    with pytest.raises(SystemExit, match="refused the API key"):
        query(env_file)
