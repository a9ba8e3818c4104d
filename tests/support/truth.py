"""What the warehouse must hold, told by the population and never by the function."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from local.looker.conversations import Conversation
from local.looker.population import Population
from tests.support.installation import Installation

type Truth = dict[str, dict[str, Any]]

# Rows say who wrote them and when; everything else is known beforehand.
OF_THE_RUN = {"run_id", "ingested_at"}


def truth(population: Population, ids: Iterable[str]) -> Truth:
    """The rows of these conversations as they are now, by id; all columns but OF_THE_RUN."""
    return {each: _row(population, each) for each in ids}


def everything(population: Population, **options: Any) -> Truth:
    """The rows of all that a sync must find by now; `options` as of Population.reachable."""
    return truth(population, population.reachable(**options))


def _row(population: Population, conversation_id: str) -> dict[str, Any]:
    conversation = population.conversation(conversation_id)
    assert conversation is not None
    row = population.expected(conversation_id)
    stored = json.dumps(row["messages"], ensure_ascii=False, separators=(",", ":"))
    return {**row, "raw_bytes": _raw_bytes(conversation), "stored_bytes": len(stored.encode())}


def _raw_bytes(conversation: Conversation) -> int:
    """A body without messages is completed by the answer to a second request."""
    return len(conversation.body()) + (len(', "messages": []') if conversation.sent() is None else 0)


def held(installation: Installation) -> Truth:
    """The rows of conversations, by id."""
    rows = installation.rows("conversations")
    twice = [id for id, count in Counter(row["id"] for row in rows).items() if count > 1]
    assert not twice, f"held more than once: {twice}"
    return {row["id"]: row for row in rows}


def assert_holds(installation: Installation, expected: Truth) -> None:
    """Fail unless the warehouse holds exactly these rows, each fetched while the committed run it names went on."""
    actual = held(installation)
    assert sorted(actual) == sorted(expected)
    wrong = [
        f"{id}.{column}"
        for id, row in expected.items()
        for column in actual[id]
        if column not in OF_THE_RUN and actual[id][column] != row[column]
    ]
    assert not wrong, f"these differ from the truth: {wrong}"
    _assert_provenance(installation, actual)


def _assert_provenance(installation: Installation, actual: Truth) -> None:
    committed = {
        row["run_id"]: row for row in installation.rows("sync_runs") if row["state"] in ("completed", "partial")
    }
    assert {row["run_id"] for row in actual.values()} <= set(committed)
    for row in actual.values():
        run = committed[row["run_id"]]
        assert run["started_at"] <= row["ingested_at"] <= run["ended_at"], row["id"]


def watermarks(installation: Installation) -> dict[str, datetime | None]:
    """How far every user is; asserts that none is listed twice."""
    rows = installation.rows("sync_users")
    marks = {row["user_id"]: row["watermark"] for row in rows}
    assert len(marks) == len(rows)
    return marks


def owed(installation: Installation) -> dict[str, datetime]:
    """Users that are owed a window, and its beginning."""
    return {row["user_id"]: row["owed_since"] for row in installation.rows("sync_users") if row["owed_since"]}


def skipped(installation: Installation) -> dict[str, str]:
    """Users who could not be read, and why."""
    rows = installation.rows("sync_users")
    return {row["user_id"]: row["skipped_reason"] for row in rows if row["skipped_reason"] is not None}


def days_ago(days: float) -> datetime:
    """That long before now, in whole seconds, UTC."""
    return (datetime.now(UTC) - timedelta(days=days)).replace(microsecond=0)
