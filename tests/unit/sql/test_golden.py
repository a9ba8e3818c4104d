"""Every view over a small population, against answers worked out by hand (see golden/).

The population is served by the simulated Looker and brought into the emulator by the function.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.function import in_this_process
from local.looker.server import serve
from local.rehearsal import environment
from local.warehouse.emulator import Warehouse
from tests.support.dataset import VIEWS, Dataset, Row, by, plain
from tests.support.handwritten import handwritten
from tests.unit.sql.golden import population, read

LEDGER_VIEWS = {"sync_history", "sync_health"}
# What makes a row of each view one of a kind.
KEYS = {
    "agent_daily": ("day", "agent_id"),
    "conversation_latest_agent": ("agent_id",),
    "errors": ("conversation_id", "position"),
    "explore_usage": ("day", "model", "explore"),
    "field_usage": ("day", "model", "explore", "field", "used_as"),
    "follow_ups": ("conversation_id", "position", "place"),
    "generated_queries": ("conversation_id", "position"),
    "latency_daily": ("day",),
    "messages": ("conversation_id", "position"),
    "pruning_savings": ("day",),
    "turns": ("conversation_id", "turn_number"),
    "unanswered_or_slow": ("conversation_id", "turn_number"),
    "user_daily": ("day", "user_id"),
}
# Shown by the view as the table holds them: compared with the population, not written out again.
SHARED = ("created_at", "user_id", "agent_id")
WHOLE = {"messages": "message", "conversation_latest_agent": "conversation_agent"}


@pytest.fixture(scope="module")
def golden(warehouse: Warehouse, everything_of_sql: Dataset) -> Dataset:
    dataset = everything_of_sql.fill()
    with serve(handwritten(population()), discovery_text_ids=True) as looker:
        own = {"BQ_DATASET": dataset.name, "BQ_LOCATION": "EU", "INCLUDE_DELETED": "true"}
        with in_this_process({**environment(looker, warehouse), **own}) as function:
            answer = function.post("/historical")
    assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "completed", {})
    # Sizes depend on the bytes on the wire, ingested_at on the run: here, those of the answers.
    table = f"`{dataset.name}.conversations`"
    for row in population():
        id = ("STRING", row["id"])
        found = dataset.rows(
            f"SELECT message_count, raw_bytes > stored_bytes AS less FROM {table} WHERE id = @id", id=id
        )
        assert found == [{"message_count": row["message_count"], "less": True}]
        given = {name: ("INT64", row[name]) for name in ("raw_bytes", "stored_bytes")}
        given["ingested_at"] = ("TIMESTAMP", row["ingested_at"])
        changes = ", ".join(f"{name} = @{name}" for name in given)
        dataset.rows(f"UPDATE {table} SET {changes} WHERE id = @id", id=id, **given)
    dataset.load("feedback", read("feedback"))
    return dataset


def test_every_view_has_an_answer() -> None:
    assert set(VIEWS) == KEYS.keys() | LEDGER_VIEWS


@pytest.mark.parametrize("view", KEYS)
def test_view(golden: Dataset, view: str) -> None:
    shown = by(golden.view(view), *KEYS[view])
    heads = {row["id"]: row for row in population()}
    expected = [_filled(row, shown[0].keys(), heads) for row in read(view)]
    assert [_without(row, WHOLE.get(view)) for row in shown] == by(expected, *KEYS[view])


def test_messages_are_shown_whole(golden: Dataset) -> None:
    shown = [row["message"] for row in golden.view("messages")]
    stored = [message for row in population() for message in row.get("messages", [])]
    assert sorted(shown, key=str) == sorted(stored, key=str)


def test_the_configuration_of_an_agent_is_shown_whole(golden: Dataset) -> None:
    shown = {row["agent_id"]: row["conversation_agent"] for row in golden.view("conversation_latest_agent")}
    stored = {row["id"]: row.get("conversation_agent") for row in population()}
    assert shown == {"a1": stored["c5"], "a2": stored["c6"]}


# sync_history and sync_health speak of now, so their answers are in hours before it.


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def ledger(golden: Dataset, now: datetime) -> Any:
    given = read("ledger")
    names = {"recorded": "recorded_at", "started": "started_at", "ended": "ended_at", "ingested": "ingested_at"}
    names |= {"owed": "owed_since"}
    tables = {"sync_runs": given["runs"], "sync_users": given["users"], "rejects": given["rejects"]}
    for table, rows in tables.items():
        golden.load(table, [_dated({names.get(key, key): value for key, value in row.items()}, now) for row in rows])
    return given


def test_sync_history(golden: Dataset, ledger: Any, now: datetime) -> None:
    shown = by(golden.view("sync_history"), "run_id")
    assert shown == [_filled(_dated(row, now), shown[0].keys(), {}) for row in ledger["history"]]


def test_sync_health(golden: Dataset, ledger: Any, now: datetime) -> None:
    [shown] = golden.view("sync_health")
    assert now <= datetime.fromisoformat(shown.pop("checked_at")) < now + timedelta(minutes=10)
    assert shown.pop("hours_behind") == pytest.approx(100, abs=0.2)
    assert shown.pop("hours_since_success") == pytest.approx(69, abs=0.2)
    assert shown == _dated(ledger["health"], now)


def _filled(row: Row, columns: Any, heads: dict[str, Row]) -> Row:
    """What the answer leaves out: the columns taken from the table, and NULL for all others."""
    head = heads.get(row.get("conversation_id", ""), {})
    shared = {key: head[key] for key in SHARED if key in columns and head}
    return {**dict.fromkeys(column for column in columns if column not in WHOLE.values()), **shared, **row}


def _without(row: Row, column: str | None) -> Row:
    return {key: value for key, value in row.items() if key != column}


def _dated(row: Row, now: datetime) -> Row:
    moments = ("_at", "_since", "_until", "window_start", "window_end", "watermark")
    return {
        key: plain(now - timedelta(hours=value)) if key.endswith(moments) and value is not None else value
        for key, value in row.items()
    }
