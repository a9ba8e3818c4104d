"""The ledger's statements in the emulator."""

import threading
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.cloud import bigquery

from local.warehouse.deploy import deploy
from local.warehouse.emulator import Warehouse
from sluice.deadline import Deadline
from sluice.errors import CommitFailed, TableMismatch, WarehouseUnavailable
from sluice.plan import Kind, Order
from sluice.report import Report
from sluice.settings import Settings
from sluice.warehouse import ledger as module
from sluice.warehouse.connection import Connection
from sluice.warehouse.definitions import statement
from sluice.warehouse.jobs import Jobs
from sluice.warehouse.ledger import TABLES, Ledger, Move, Position, Watermark
from sluice.warehouse.versions import Held
from tests.unit.sluice.warehouse.tables import NOON, conversation, held, insert, reject, settings, staged

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ledger(connection: Connection) -> Ledger:
    return Ledger(connection)


@pytest.fixture
def run_id() -> str:
    return f"20261101T120000-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused commit is not tried again."""
    monkeypatch.setattr(module, "COMMIT_ATTEMPTS", 1)


def run_row(run_id: str, state: str = "completed", **others: Any) -> dict[str, Any]:
    report = Report(run_id, Order(Kind.DAILY), NOON, window_start=NOON - DAY, window_end=NOON)
    report.end(state)
    return report.ledger_row() | others


def talks(connection: Connection, *ids: str) -> dict[str, dict[str, Any]]:
    found = [row for row in held(connection, "conversations") if row["id"] in ids]
    assert len({row["id"] for row in found}) == len(found), "a conversation is held twice"
    return {row["id"]: row for row in found}


def test_the_tables_are_as_defined(ledger: Ledger) -> None:
    ledger.check_tables()


def test_every_difference_is_named_at_once(warehouse: Warehouse, tables_only: Path) -> None:
    dataset = f"u{uuid.uuid4().hex}"
    with warehouse.client() as client:
        deploy(client, dataset, "US", tables_only)
        client.delete_table(f"{dataset}.rejects")
        client.delete_table(f"{dataset}.sync_users")
        columns = [bigquery.SchemaField("user_id", "STRING"), bigquery.SchemaField("watermark", "STRING")]
        client.create_table(bigquery.Table(f"{client.project}.{dataset}.sync_users", columns))
    chosen = settings(warehouse.url, gcp_project_id=warehouse.project, bq_dataset=dataset)
    with closing(Connection(chosen)) as connection, pytest.raises(TableMismatch) as caught:
        Ledger(connection).check_tables()
    text = str(caught.value)
    assert f"{dataset}.rejects does not exist" in text
    assert f"{dataset}.sync_users.watermark is missing or not TIMESTAMP" in text
    assert f"{dataset}.sync_users.owed_since is missing" in text
    assert "sync_users.user_id" not in text
    assert "conversations" not in text


def test_tables_elsewhere_than_bq_location_are_named(installation: Settings) -> None:
    chosen = installation.model_copy(update={"bq_location": "EU"})
    with closing(Connection(chosen)) as connection, pytest.raises(TableMismatch) as caught:
        Ledger(connection).check_tables()
    assert "conversations" not in str(caught.value)
    assert "talks is in US, BQ_LOCATION says EU" in str(caught.value)
    assert "BQ_LOCATION" in caught.value.hint


def test_rows_that_would_expire_at_once_are_let_go(warehouse: Warehouse, tables_only: Path) -> None:
    chosen = settings(warehouse.url, gcp_project_id=warehouse.project, bq_dataset=f"u{uuid.uuid4().hex}")
    with warehouse.client() as client:
        deploy(client, chosen.bq_dataset, "US", tables_only)
        with closing(Connection(chosen)) as connection:
            ledger, now = Ledger(connection), datetime.now(UTC)
            ledger.check_tables()
            assert not ledger.lets_go(BEGINNING), "without an expiration everything is kept"
            table = client.get_table(connection.table("conversations"))
            table.time_partitioning = bigquery.TimePartitioning(field="created_at", expiration_ms=30 * 86_400_000)
            client.update_table(table, ["time_partitioning"])
            ledger.check_tables()
    assert ledger.lets_go(now - timedelta(days=32))
    assert not ledger.lets_go(now - timedelta(days=29))
    assert not ledger.lets_go(None)


def test_bigquery_out_of_reach_is_told() -> None:
    with (
        closing(Connection(settings("http://127.0.0.1:9"), Deadline(0.2))) as connection,
        pytest.raises(WarehouseUnavailable) as caught,
    ):
        Ledger(connection).check_tables()
    assert (caught.value.step, caught.value.status) == ("check tables", 503)


class Case(NamedTuple):
    """A user's row before, what a run did, and the row after; moments are hours from noon."""

    name: str
    before: tuple[int | None, int | None] | None
    since: int
    until: int
    finished: bool
    anchored: bool
    after: tuple[int | None, int | None]


EVER = -500_000
CASES = [
    Case("new, anchored", None, -24, 0, True, True, (0, None)),
    Case("new, with a gap before it", None, -1, 0, True, False, (None, None)),
    Case("new, unfinished", None, -24, 0, False, True, (None, -24)),
    Case("new, unfinished, with a gap before it", None, -1, 0, False, False, (None, -1)),
    Case("moves forward", (-24, None), -25, 0, True, False, (0, None)),
    Case("begins exactly at the watermark", (-24, None), -24, 0, True, False, (0, None)),
    Case("never over a gap", (-24, None), -23, 0, True, False, (-24, None)),
    Case("never over a gap, anchored or not", (-24, None), -23, 0, True, True, (-24, None)),
    Case("never back", (0, None), -48, -24, True, True, (0, None)),
    Case("never back, from the beginning", (0, None), EVER, -24, True, True, (0, None)),
    Case("unfinished moves nothing, but is owed", (-24, None), -25, 0, False, False, (-24, -25)),
    Case("unfinished at the watermark is owed nothing", (-24, None), -24, 0, False, False, (-24, None)),
    Case("unfinished after the watermark is owed nothing", (-24, None), -12, 0, False, False, (-24, None)),
    Case("unfinished from the beginning is owed", (-24, None), EVER, 0, False, True, (-24, EVER)),
    Case("owes the earlier of two", (-24, -72), -48, 0, False, False, (-24, -72)),
    Case("owes the earlier of two, the new one", (-24, -48), -72, 0, False, False, (-24, -72)),
    Case("pays what was owed", (-24, -48), -48, 0, True, False, (0, None)),
    Case("pays and does not reach the watermark: owed still", (0, -48), -48, -24, True, False, (0, -48)),
    Case("pays up to the watermark exactly", (-24, -48), -48, -24, True, False, (-24, None)),
    Case("pays too little: moves and owes", (-24, -72), -48, 0, True, False, (0, -72)),
    Case("first watermark of one who was left", (None, -24), -24, 0, True, True, (0, None)),
    Case("left again", (None, -24), -48, 0, False, True, (None, -48)),
    Case("left, then a part with a gap before it", (None, -24), -12, 0, True, False, (None, -24)),
    Case("left, then an anchored window after what is owed", (None, -72), -48, 0, True, True, (0, -72)),
    Case("seen without a watermark, now anchored", (None, None), -24, 0, True, True, (0, None)),
    Case("seen without a watermark, with a gap", (None, None), -1, 0, True, False, (None, None)),
    Case("anchored, ending long ago", None, EVER, -48, True, True, (-48, None)),
]


def moment(hours: int | None) -> datetime | None:
    return None if hours is None else NOON + timedelta(hours=hours)


def test_the_rules_of_the_watermarks(connection: Connection, ledger: Ledger, run_id: str) -> None:
    before: list[dict[str, Any]] = [
        {"user_id": case.name, "watermark": moment(case.before[0]), "owed_since": moment(case.before[1])}
        for case in CASES
        if case.before is not None
    ]
    bystander: dict[str, Any] = {"user_id": "somebody else", "watermark": NOON - DAY, "owed_since": None}
    insert(
        connection, "sync_users", *({**row, "run_id": "before", "recorded_at": NOON} for row in [*before, bystander])
    )
    moves = [
        Move(NOON + timedelta(hours=c.since), NOON + timedelta(hours=c.until), c.finished, c.anchored, [c.name])
        for c in CASES
    ]
    together = [f"{run_id}-{number}" for number in range(500)]
    moves.append(Move(NOON - DAY, NOON, True, True, together))
    ledger.commit(staged(connection, run_id), moves, run_row(run_id))
    users = ledger.position().users
    expected = {case.name: Watermark(moment(case.after[0]), moment(case.after[1])) for case in CASES}
    assert {name: users[name] for name in expected} == expected
    assert users["somebody else"] == Watermark(NOON - DAY, None)
    assert {users[user] for user in together} == {Watermark(NOON, None)}
    rows = held(connection, "sync_users")
    assert len({row["user_id"] for row in rows}) == len(rows)
    assert {row["run_id"] for row in rows if row["user_id"] in expected} == {run_id}


def test_what_is_remembered_of_users_who_cannot_be_read(connection: Connection, ledger: Ledger, run_id: str) -> None:
    long_ago = NOON - 30 * DAY
    before: dict[str, dict[str, Any]] = {
        "was skipped": {"skipped_reason": "disabled", "skipped_at": long_ago, "failed_runs": 2},
        "was failing": {"failed_runs": 2},
        "well": {},
    }
    users = {
        f"{name}, {now}": row for name, row in before.items() for now in ("done", "skipped", "gone", "failed", "open")
    }
    insert(
        connection,
        "sync_users",
        *(
            {
                "user_id": user,
                "watermark": NOON - DAY,
                "owed_since": NOON - DAY,
                "run_id": "before",
                "recorded_at": NOON,
            }
            | row
            for user, row in users.items()
        ),
    )
    window = (NOON - 2 * DAY, NOON)

    def those(now: str) -> list[str]:
        return [user for user in [*users, f"new, {now}"] if user.endswith(f", {now}")]

    moves = [
        Move(*window, True, True, those("done")),
        Move(*window, False, True, those("skipped"), "disabled"),
        Move(*window, False, True, those("gone"), "deleted"),
        Move(*window, False, True, those("failed"), None, True),
        Move(*window, False, True, those("open")),
    ]
    table = staged(connection, run_id)
    ledger.commit(table, moves, run_row(run_id))
    found = ledger.position().users

    def memory(user: str) -> tuple[str | None, int]:
        row = found[user]
        assert (row.skipped_at is None) is (row.skipped_reason is None)
        return row.skipped_reason, row.failed_runs

    assert {memory(user) for user in those("done")} == {(None, 0)}
    assert {memory(user)[0] for user in those("skipped")} == {"disabled"}
    assert {memory(user)[0] for user in those("gone")} == {"deleted"}
    assert {user: memory(user) for user in those("failed")} == {
        "was skipped, failed": (None, 3),
        "was failing, failed": (None, 3),
        "well, failed": (None, 1),
        "new, failed": (None, 1),
    }
    assert memory("was skipped, open") == ("disabled", 2)
    assert memory("was failing, open") == (None, 2)
    # Asked again a week after the last time; who was left over is asked next time.
    assert (found["was skipped, skipped"].skipped_at or long_ago) > long_ago
    assert found["was skipped, open"].skipped_at == long_ago
    # Owed until they can be read again; nothing is owed to who is gone.
    assert {found[user].owed_since for user in those("skipped")} == {NOON - 2 * DAY}
    assert {found[user].owed_since for user in those("gone")} == {None}
    assert {found[user].watermark for user in those("gone")} == {NOON - DAY, None}
    # Committed once more, a failure counts once.
    parameters = module._parameters(run_row(run_id), moves, "")
    sql = statement("commit", ledger._names | {"staging": table})
    Jobs(connection, "commit").query(sql, module._config(parameters), f"{run_id}-again")
    assert {user: row.failed_runs for user, row in ledger.position().users.items()} == {
        user: row.failed_runs for user, row in found.items()
    }


def test_a_row_is_held_as_it_was_staged(connection: Connection, ledger: Ledger, run_id: str) -> None:
    whole = conversation(
        f"{run_id}-1",
        agent_id="a",
        name="Größe \U0001f680",
        category="dashboard",
        sources=[{"model": "m"}],
        deleted=False,
        missing_agent=True,
        conversation_agent={"id": "a", "n": 2**63},
        extra={"can": {}},
        messages=[{"text": "\x00 ç", "n": 0.1}],
        created_at=datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=UTC),
        run_id=run_id,
    )
    ledger.commit(staged(connection, run_id, whole), [], run_row(run_id))
    assert talks(connection, whole["id"])[whole["id"]] == {key: value for key, value in whole.items() if key != "kind"}


def test_committing_twice_is_committing_once(connection: Connection, ledger: Ledger, run_id: str) -> None:
    ids = [f"{run_id}-{number}" for number in range(3)]
    table = staged(connection, run_id, *(conversation(id) for id in ids[:2]), reject(ids[2]))
    moves = [Move(NOON - DAY, NOON, True, True, [run_id])]
    first = ledger.commit(table, moves, run_row(run_id))
    before = (talks(connection, *ids), rejects(connection, ids[2]), ledger.runs(limit=9, run_id=run_id))
    assert first == ledger.commit(table, moves, run_row(run_id)) == f"sluice_{run_id}_commit_1"
    third = module._parameters(run_row(run_id), moves, "")
    sql = statement("commit", ledger._names | {"staging": table})
    job, begun = Jobs(connection, "commit").query(sql, module._config(third), f"{run_id}-by-hand")
    assert (job.error_result, begun) == (None, True)
    assert (talks(connection, *ids), rejects(connection, ids[2]), ledger.runs(limit=9, run_id=run_id)) == before
    assert [row["state"] for row in held(connection, "sync_runs") if row["run_id"] == run_id] == ["completed"]


def rejects(connection: Connection, id: str) -> list[dict[str, Any]]:
    found = [row for row in held(connection, "rejects") if row["id"] == id]
    return sorted(found, key=lambda row: (row["updated_at"] or BEGINNING, row["part"]))


def test_the_newest_version_wins(connection: Connection, ledger: Ledger, run_id: str) -> None:
    older, newer, same, twice, other = (f"{run_id}-{name}" for name in ("older", "newer", "same", "twice", "other"))
    minute = timedelta(minutes=1)
    first = [conversation(id, run_id="first", user_id="u") for id in (older, newer, same, other)]
    ledger.commit(staged(connection, f"{run_id}1", *first), [], run_row(f"{run_id}1"))
    second = [
        conversation(older, NOON - minute, run_id="second", ingested_at=NOON + minute),
        conversation(newer, NOON + minute, run_id="second", ingested_at=NOON - minute, user_id=None, messages=[]),
        conversation(same, NOON, run_id="second", ingested_at=NOON + minute),
        conversation(twice, NOON, run_id="a"),
        conversation(twice, NOON + minute, run_id="newest", ingested_at=NOON - minute),
        conversation(twice, NOON - minute, run_id="b", ingested_at=NOON + minute),
    ]
    ledger.commit(staged(connection, f"{run_id}2", *second), [], run_row(f"{run_id}2"))
    now = talks(connection, older, newer, same, twice, other)
    assert {id.rpartition("-")[2]: row["run_id"] for id, row in now.items()} == {
        "older": "first",
        "newer": "second",
        "same": "second",
        "twice": "newest",
        "other": "first",
    }
    assert (now[newer]["user_id"], now[newer]["messages"]) == (None, [])
    third = [conversation(same, NOON, run_id="third", ingested_at=NOON)]
    ledger.commit(staged(connection, f"{run_id}3", *third), [], run_row(f"{run_id}3"))
    assert talks(connection, same)[same]["run_id"] == "second", (
        "what was fetched earlier does not replace what came later"
    )


def test_a_version_is_refused_once(connection: Connection, ledger: Ledger, run_id: str) -> None:
    known, timeless = f"{run_id}-known", f"{run_id}-timeless"
    both = [reject(known, part=1, parts=2), reject(known, part=2, parts=2, raw="}"), reject(timeless, None)]
    earlier: dict[str, Any] = {"ingested_at": NOON - DAY, "raw": "of an earlier fetch"}
    doubled = [*both, *({**each, **earlier} for each in both), reject(known, part=3, parts=3, **earlier)]
    ledger.commit(staged(connection, f"{run_id}1", *doubled), [], run_row(f"{run_id}1"))
    assert [(row["part"], row["raw"]) for row in rejects(connection, known)] == [(1, "{"), (2, "}")]
    assert len(rejects(connection, timeless)) == 1
    newer = reject(known, NOON + DAY)
    ledger.commit(staged(connection, f"{run_id}2", *both, newer), [], run_row(f"{run_id}2"))
    assert [row["updated_at"] for row in rejects(connection, known)] == [NOON, NOON, NOON + DAY]
    assert len(rejects(connection, timeless)) == 1


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    "bad",
    [
        conversation("bad", message_count=None),
        reject("bad", reason=None),
    ],
)
def test_a_refused_commit_writes_nothing(
    connection: Connection, ledger: Ledger, run_id: str, bad: dict[str, Any]
) -> None:
    good = f"{run_id}-good"
    bad = {key: value for key, value in bad.items() if value is not None}
    table = staged(connection, run_id, conversation(good), reject(good), bad)
    before = everything(connection)
    with pytest.raises(CommitFailed) as caught:
        ledger.commit(table, [Move(NOON - DAY, NOON, True, True, [run_id])], run_row(run_id))
    assert everything(connection) == before
    assert (caught.value.step, caught.value.status) == ("commit", 500)
    assert good not in str(caught.value)


def everything(connection: Connection) -> dict[str, Any]:
    return {table: held(connection, table) for table in TABLES}


def test_a_staging_table_that_is_gone_is_refused_at_once(connection: Connection, ledger: Ledger, run_id: str) -> None:
    with pytest.raises(Exception, match="BigQuery: ") as caught:
        ledger.commit(f"{connection.dataset}.no_such_table", [], run_row(run_id))
    assert caught.value.step == "commit"  # type: ignore[attr-defined]  # every error of ours has its step
    assert ledger.runs(limit=1, run_id=run_id) == []


def test_two_commits_at_once_are_both_right(installation: Settings, connection: Connection, run_id: str) -> None:
    """The loser of a conflict is tried again, under another job id."""
    ids = [f"{run_id}-{number}" for number in range(6)]
    minute = timedelta(minutes=1)
    errors: list[BaseException] = []
    barrier = threading.Barrier(2)

    def commit(number: int) -> None:
        try:
            with closing(Connection(installation)) as own:
                rows = [
                    conversation(id, NOON + minute * ((place + number) % 2), run_id=f"run{number}")
                    for place, id in enumerate(ids)
                ]
                Ledger(own).record(run_row(f"{run_id}{number}", "running"))
                table = staged(own, f"{run_id}{number}", *rows, reject(ids[0]))
                moves = [Move(NOON - DAY, NOON + minute * number, True, True, [run_id])]
                barrier.wait(30)
                Ledger(own).commit(table, moves, run_row(f"{run_id}{number}"))
        except BaseException as error:  # noqa: BLE001 -- shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    newest = talks(connection, *ids)
    assert {row["updated_at"] for row in newest.values()} == {NOON + minute}
    assert [newest[id]["run_id"] for id in ids] == [f"run{(1 - place) % 2}" for place in range(6)]
    assert len(rejects(connection, ids[0])) == 1
    ledger = Ledger(connection)
    assert ledger.position().users[run_id] == Watermark(NOON + minute, None)
    assert {run["state"] for number in range(2) for run in ledger.runs(limit=1, run_id=f"{run_id}{number}")} == {
        "completed"
    }


def test_an_empty_ledger_has_no_beginning(warehouse: Warehouse, tables_only: Path) -> None:
    chosen = settings(warehouse.url, gcp_project_id=warehouse.project, bq_dataset=f"u{uuid.uuid4().hex}")
    with warehouse.client() as client:
        deploy(client, chosen.bq_dataset, "US", tables_only)
    with closing(Connection(chosen)) as connection:
        ledger = Ledger(connection)
        assert ledger.position() == Position({}, None)
        assert ledger.runs(limit=10) == []
        narrowed = run_row("a", "running", requested={"users": ["7"]}, window_start=BEGINNING)
        ledger.record(narrowed)
        assert ledger.position().began is None, "a narrowed run is no beginning"
        ledger.record(run_row("b", "running"))
        ledger.record(run_row("c", "running", window_start=NOON))
        assert ledger.position() == Position({}, NOON - DAY)


def test_the_states_of_a_run(connection: Connection, ledger: Ledger, run_id: str) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=121)
    lately = datetime.now(UTC) - timedelta(minutes=110)
    stories: list[tuple[datetime, list[str], str]] = [
        (lately, ["running"], "running"),
        (long_ago, ["running"], "abandoned"),
        (long_ago, ["running", "completed"], "completed"),
        (long_ago, ["running", "partial"], "partial"),
        (long_ago, ["running", "failed"], "failed"),
        (lately, ["completed", "running"], "completed"),
        # Given up before BigQuery said that it had committed.
        (long_ago, ["running", "completed", "failed"], "completed"),
        (long_ago, ["running", "failed", "partial"], "partial"),
        (long_ago, ["failed", "running"], "failed"),
    ]
    rows = [
        {key: row[key] for key in ("run_id", "kind", "state", "started_at")}
        # Clocks differ: the rows of a run may seem to be of the same moment.
        | {"recorded_at": NOON + timedelta(hours=place * apart)}
        for number, (started_at, states, _) in enumerate(stories)
        for apart in [number % 2]
        for place, state in enumerate(states)
        for row in [run_row(f"{run_id}{number}", state, started_at=started_at)]
    ]
    insert(connection, "sync_runs", *rows)
    shown = {run["run_id"]: run["state"] for run in ledger.runs(limit=1000) if run["run_id"].startswith(run_id)}
    expected = {f"{run_id}{number}": state for number, (*_, state) in enumerate(stories)}
    assert shown == expected
    states = ledger.states([*expected, "no such run"])
    assert {run: state for run, (state, _) in states.items()} == {
        run: state.replace("abandoned", "running") for run, state in expected.items()
    }


def test_a_run_is_recorded_once_and_its_end_is_final(connection: Connection, ledger: Ledger, run_id: str) -> None:
    for state in ("running", "running", "completed", "failed"):
        ledger.record(run_row(run_id, state))
    recorded = [row["state"] for row in held(connection, "sync_runs") if row["run_id"] == run_id]
    assert sorted(recorded) == ["completed", "running"]


def test_runs_are_newest_first_and_complete(connection: Connection, ledger: Ledger, run_id: str) -> None:
    future = NOON + timedelta(days=3650)
    errors = {"LookerRefused:impersonate:403": 2}
    row = run_row(
        f"{run_id}3", started_at=future + DAY, errors=errors, failure={"step": "load"}, requested={"users": ["7"]}
    )
    ledger.record(row)
    shared = {"kind": "daily", "state": "completed", "recorded_at": NOON}
    insert(
        connection,
        "sync_runs",
        *({**shared, "run_id": f"{run_id}{n}", "started_at": future + timedelta(hours=n)} for n in (1, 2)),
    )
    shown = ledger.runs(limit=2)
    assert [run["run_id"] for run in shown] == [f"{run_id}3", f"{run_id}2"]
    assert {key: value for key, value in shown[0].items() if key != "recorded_at"} == row
    assert ledger.runs(limit=1, run_id=f"{run_id}1")[0]["started_at"] == future + timedelta(hours=1)
    assert ledger.runs(limit=1, run_id="no such run") == []


def test_a_version_of_a_day_is_held_when_the_day_is_over(connection: Connection, ledger: Ledger, run_id: str) -> None:
    """Midnight may stand for the day: what was fetched before its end need not be the day's last version."""
    midnight = NOON.replace(hour=0)
    hour = timedelta(hours=1)
    ids = {hours: f"{run_id}-{hours}" for hours in (0, 36, 37, 50)}
    rows = [
        make(f"{id}-{make.__name__}", midnight, user_id=run_id, ingested_at=midnight + hours * hour)
        for hours, id in ids.items()
        for make in (conversation, reject)
    ]
    ledger.commit(staged(connection, run_id, *rows), [], run_row(run_id))
    versions = ledger.versions({NOON - DAY: [run_id]})
    for hours, id in ids.items():
        for make in (conversation, reject):
            assert versions.holds(f"{id}-{make.__name__}", midnight, False, run_id) is (hours >= 37)


def test_what_may_be_rechecked_was_fetched_fresh_and_lately(
    connection: Connection, ledger: Ledger, run_id: str
) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    rows = [
        conversation(f"{run_id}-fresh", now - 40 * hour, user_id=run_id, ingested_at=now - 30 * hour, raw_bytes=77),
        conversation(f"{run_id}-settled", now - 40 * hour, user_id=run_id, ingested_at=now - 10 * hour),
        conversation(f"{run_id}-old", now - 80 * hour, user_id=run_id, ingested_at=now - 79 * hour),
        reject(f"{run_id}-refused", now - 2 * hour, user_id=run_id),
    ]
    ledger.commit(staged(connection, run_id, *rows), [], run_row(run_id))
    versions = ledger.versions({now - 100 * hour: [run_id]})
    assert len(versions) == 4
    assert versions.fresh == {f"{run_id}-fresh": Held(run_id, now - 40 * hour, rows[0]["message_count"], 77)}


def test_versions_that_are_held_or_were_refused(connection: Connection, ledger: Ledger, run_id: str) -> None:
    mine, yours, early, refused, gone = (f"{run_id}-{name}" for name in ("mine", "yours", "early", "refused", "gone"))
    rows = [
        conversation(mine, user_id="v1"),
        conversation(yours, user_id="v2"),
        conversation(early, NOON - DAY, user_id="v1"),
        conversation(gone, user_id="v1", deleted=True),
        reject(refused, user_id="v1"),
        reject(f"{run_id}-timeless", None, user_id="v1"),
    ]
    ledger.commit(staged(connection, run_id, *rows), [], run_row(run_id))
    versions = ledger.versions({NOON: ["v1", "nobody"]})
    assert versions.holds(mine, NOON, deleted=False, owner="v1")
    assert versions.holds(refused, NOON, deleted=False, owner="v1")
    assert versions.holds(gone, NOON, deleted=True, owner="v1")
    assert not versions.holds(gone, NOON, deleted=False, owner="v1")
    assert not versions.holds(early, NOON - DAY, deleted=False, owner="v1"), "before the window"
    assert not versions.holds(yours, NOON, deleted=False, owner="v2"), "of somebody who is not asked for"
    assert not versions.holds(mine, NOON, deleted=False, owner="v2"), "of another owner"
    assert len(versions) == 3
    several = ledger.versions({NOON: ["v2"], NOON - DAY: ["v1"]})
    assert several.holds(yours, NOON, deleted=False, owner="v2")
    assert several.holds(early, NOON - DAY, deleted=False, owner="v1")
    assert len(ledger.versions({})) == 0
