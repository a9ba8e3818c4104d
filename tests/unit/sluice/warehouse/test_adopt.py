"""What earlier runs staged, committed by a later one."""

import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.plan import Kind, Order
from sluice.report import Report
from sluice.settings import Settings
from sluice.warehouse.adopt import GRACE_SECONDS, adopt
from sluice.warehouse.connection import Connection
from sluice.warehouse.ledger import Ledger, Move, Watermark, staged_end
from sluice.warehouse.load import Staging
from tests.unit.sluice.warehouse.tables import NOON, conversation, held, lines, reject, settings

DAY = timedelta(days=1)
LIMIT = 1680.0


@pytest.fixture
def ledger(connection: Connection) -> Ledger:
    return Ledger(connection)


@pytest.fixture
def run_id() -> str:
    return f"20261101T120000-{uuid.uuid4().hex[:6]}"


def row(run_id: str, state: str, started_at: datetime = NOON) -> dict[str, Any]:
    report = Report(run_id, Order(Kind.DAILY), started_at, window_start=NOON - DAY, window_end=NOON)
    report.jobs["load"] = "its load"
    report.end(state)
    return report.ledger_row()


def sent(staged: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "user_id", "updated_at", "run_id", "ingested_at")
    return {"kind": "sent"} | {name: staged[name] for name in kept}


def leave(
    connection: Connection, run_id: str, *rows: dict[str, Any], moves: Any = (), state: str = "partial"
) -> Staging:
    """What a run leaves that could not commit."""
    staging = Staging(connection, run_id)
    staging.create()
    staging.load(chain(lines(list(rows)), staged_end(list(moves), row(run_id, state))))
    return staging


def is_left(connection: Connection, staging: Staging) -> bool:
    tables = connection.client.list_tables(connection.dataset)
    return staging.table.rpartition(".")[2] in {table.table_id for table in tables}


def of(connection: Connection, table: str, *ids: str) -> list[dict[str, Any]]:
    return [each for each in held(connection, table) if each["id"] in ids]


@pytest.mark.parametrize("ended", ["failed", "killed"])
def test_a_run_that_could_not_commit_is_committed_with_its_own_end(
    connection: Connection, ledger: Ledger, run_id: str, ended: str
) -> None:
    talk, bad, lost = (f"{run_id}-{name}" for name in ("talk", "bad", "lost"))
    kept, refused = conversation(talk, run_id=run_id), reject(bad, run_id=run_id)
    moves = [Move(NOON - DAY, NOON, True, True, [run_id]), Move(NOON - DAY, NOON, False, True, [f"{run_id}-owed"])]
    started_at = NOON if ended == "failed" else datetime.now(UTC) - timedelta(seconds=LIMIT + GRACE_SECONDS + 5)
    ledger.record(row(run_id, "running", started_at))
    if ended == "failed":
        ledger.record(row(run_id, "failed"))
    staging = leave(
        connection,
        run_id,
        kept,
        sent(kept),
        refused,
        sent(refused),
        sent(conversation(lost, user_id="9", run_id=run_id)),
        moves=moves,
    )
    assert adopt(connection, ledger, LIMIT) == [run_id]
    assert [each["run_id"] for each in of(connection, "conversations", talk)] == [run_id]
    rejects = {each["id"]: each for each in of(connection, "rejects", talk, bad, lost)}
    assert rejects.keys() == {bad, lost}
    assert rejects[bad]["raw"] == "{"
    assert {name: rejects[lost][name] for name in ("user_id", "updated_at", "raw", "part", "parts", "run_id")} == {
        "user_id": "9",
        "updated_at": NOON,
        "raw": None,
        "part": 1,
        "parts": 1,
        "run_id": run_id,
    }
    assert rejects[lost]["reason"].startswith("BigQuery refused the row: ")
    assert ledger.versions({NOON: ["9"]}).holds(lost, NOON, deleted=False, owner="9"), "it is not fetched every night"
    users = ledger.position().users
    assert (users[run_id], users[f"{run_id}-owed"]) == (Watermark(NOON, None), Watermark(None, NOON - DAY))
    (told,) = ledger.runs(limit=1, run_id=run_id)
    assert (told["state"], told["jobs"], told["window_end"]) == ("partial", {"load": "its load"}, NOON)
    assert not is_left(connection, staging)
    assert adopt(connection, ledger, LIMIT) == []


def test_a_later_run_that_committed_in_between_is_not_undone(
    connection: Connection, ledger: Ledger, run_id: str
) -> None:
    talk, hour = f"{run_id}-talk", timedelta(hours=1)
    behind, ahead = f"{run_id}-behind", f"{run_id}-ahead"
    ledger.record(row(run_id, "running"))
    ledger.record(row(run_id, "failed"))
    moves = [Move(NOON - DAY, NOON, True, True, [behind, ahead])]
    leave(connection, run_id, conversation(talk, run_id=run_id), reject(talk, run_id=run_id), moves=moves)
    later, newer = f"{run_id[:-6]}fffff0", NOON + hour
    table = Staging(connection, later)
    table.create()
    table.load(lines([conversation(talk, newer, run_id=later, ingested_at=newer), reject(talk, run_id=later)]))
    ledger.commit(table.table, [Move(NOON - DAY, newer, True, True, [ahead])], row(later, "completed"))
    table.drop()
    assert adopt(connection, ledger, LIMIT) == [run_id]
    assert [each["run_id"] for each in of(connection, "conversations", talk)] == [later]
    assert [each["run_id"] for each in of(connection, "rejects", talk)] == [later]
    users = ledger.position().users
    assert (users[ahead].watermark, users[behind].watermark) == (newer, NOON)


@pytest.mark.parametrize(
    ("state", "age", "left"), [("running", LIMIT - 60, True), (None, 0, True), ("completed", 0, False)]
)
def test_what_is_not_to_be_adopted(
    connection: Connection, ledger: Ledger, run_id: str, state: str | None, age: float, left: bool
) -> None:
    """A run that goes on, one of no ledger of ours, one that has committed."""
    staging = leave(connection, run_id, conversation(run_id))
    if state is not None:
        ledger.record(row(run_id, state, datetime.now(UTC) - timedelta(seconds=age)))
    assert adopt(connection, ledger, LIMIT) == []
    assert of(connection, "conversations", run_id) == []
    assert is_left(connection, staging) is left
    staging.drop()


@pytest.mark.parametrize("how", ["no load", "no end"])
def test_a_table_that_is_not_complete_is_dropped(connection: Connection, ledger: Ledger, run_id: str, how: str) -> None:
    ledger.record(row(run_id, "failed"))
    staging = Staging(connection, run_id)
    staging.create()
    if how == "no end":
        staging.load(lines([conversation(run_id)]))
    assert adopt(connection, ledger, LIMIT) == []
    assert of(connection, "conversations", run_id) == []
    assert not is_left(connection, staging)


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.warehouse.ledger.COMMIT_ATTEMPTS", 1)


@pytest.mark.usefixtures("once")
def test_rows_that_cannot_be_committed_stop_no_later_run(
    connection: Connection, ledger: Ledger, run_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {name: value for name, value in conversation(run_id).items() if name != "message_count"}
    ledger.record(row(run_id, "failed"))
    staging = leave(connection, run_id, bad)
    assert adopt(connection, ledger, LIMIT) == []
    assert not is_left(connection, staging)
    assert "adoption_refused" in {vars(record).get("event") for record in caplog.records}


def test_bigquery_out_of_reach_stops_no_run(installation: Settings, caplog: pytest.LogCaptureFixture) -> None:
    away = settings("http://127.0.0.1:9", bq_dataset=installation.bq_dataset)
    with closing(Connection(away, Deadline(0.4))) as connection:
        assert adopt(connection, Ledger(connection), LIMIT) == []
        assert connection.deadline.seconds == 0.4
    assert [vars(record).get("event") for record in caplog.records] == ["adoption_failed"]
