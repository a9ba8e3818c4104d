"""Commits at the very same moment: whatever the order, each conversation, user and run is there once."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from threading import Barrier

from local.looker.population import Population
from sluice.plan import Kind, Order
from sluice.report import Report
from sluice.settings import Settings
from sluice.warehouse.connection import Connection
from sluice.warehouse.definitions import staging_schema
from sluice.warehouse.ledger import Ledger, Move
from sluice.warehouse.load import Staging
from sluice.warehouse.rows import Encoder
from tests.conftest import Install
from tests.support.truth import days_ago

COMMITS = 2
IDS = [f"conversation-{number}" for number in range(5)]
USERS = ("12", "19")


def lines(run_id: str, now: datetime) -> Iterator[bytes]:
    encoder = Encoder(staging_schema(), 1024)
    for id in IDS:
        shared = {"id": id, "user_id": USERS[0], "run_id": run_id, "ingested_at": now}
        sizes = {"message_count": 0, "raw_bytes": 2, "stored_bytes": 2}
        row = {"kind": "conversation", "created_at": days_ago(1), "updated_at": days_ago(1), **sizes, **shared}
        yield encoder.encode(row).text
    yield encoder.encode({"kind": "reject", "part": 1, "parts": 1, "reason": "broken", **shared}).text


def test_commits_from_the_same_empty_state(install: Install) -> None:
    installation = install(Population(users=1, conversations=0, now=days_ago(1)))
    environ = {name.lower(): value for name, value in installation.environ.items()}
    settings = Settings.load(**environ)
    together = Barrier(COMMITS)

    def commit(number: int) -> str:
        now = datetime.now(UTC)
        report = Report(f"run-{number}", Order(Kind.HISTORICAL), now, window_start=now, window_end=now)
        with closing(Connection(settings)) as connection:
            ledger, staging = Ledger(connection), Staging(connection, report.run_id)
            ledger.record(report.ledger_row())
            staging.create()
            staging.load(lines(report.run_id, now))
            report.end("completed")
            together.wait()
            return ledger.commit(staging.table, [Move(now, now, True, True, USERS)], report.ledger_row())

    with ThreadPoolExecutor(COMMITS) as pool:
        jobs = list(pool.map(commit, range(COMMITS)))

    assert len(set(jobs)) == COMMITS
    assert Counter(row["id"] for row in installation.rows("conversations")) == dict.fromkeys(IDS, 1)
    assert Counter(row["id"] for row in installation.rows("rejects")) == {IDS[-1]: 1}
    assert Counter(row["user_id"] for row in installation.rows("sync_users")) == dict.fromkeys(USERS, 1)
    ended = Counter(row["run_id"] for row in installation.rows("sync_runs") if row["state"] == "completed")
    assert ended == {f"run-{number}": 1 for number in range(COMMITS)}
