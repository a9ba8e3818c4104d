"""What was committed, what is committed now: watermarks, versions held, runs."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from google.api_core import exceptions
from google.cloud import bigquery

from sluice.errors import CommitFailed, TableMismatch, WarehouseError, WarehouseUnavailable
from sluice.warehouse import jobs
from sluice.warehouse.connection import Connection, pauses
from sluice.warehouse.definitions import schema, statement
from sluice.warehouse.failures import errors
from sluice.warehouse.jobs import Jobs
from sluice.warehouse.versions import Held, Versions

TABLES = ("conversations", "rejects", "feedback", "sync_runs", "sync_users")
ABANDONED_AFTER_SECONDS = 2 * 3600
"""Twice the longest time a function may run."""
COMMIT_ATTEMPTS = 6
"""Of a commit that BigQuery refuses for good, as far as its reason tells: it may have met another one."""
DAY = timedelta(days=1)
USERS_A_LINE = 50_000
STAGED_HINT = "What was fetched is staged in BigQuery. The next run commits it before it fetches anything."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far one user is. `owed_since` is the start of a window that was left unfinished.

    `skipped_reason` is why the user could not be read when a run last asked, at `skipped_at`; `failed_runs` counts runs
    in a row that failed for this user alone.
    """

    watermark: datetime | None
    owed_since: datetime | None
    skipped_reason: str | None = None
    skipped_at: datetime | None = None
    failed_runs: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """How far the installation is: every user's watermark, and where the ledger began (None before the first run).

    `most_seen` is the most users a plain run of the last 14 days saw.
    """

    users: Mapping[str, Watermark]
    began: datetime | None
    most_seen: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """What a run did with the window of some users.

    `anchored`: the window begins where nothing before it is wanted, so that it may set a first watermark.
    `skipped`: why the users could not be read. `failed`: they failed on their own account.
    """

    since: datetime
    until: datetime
    finished: bool
    anchored: bool
    user_ids: Sequence[str]
    skipped: str | None = None
    failed: bool = False


class Ledger:
    """Reads and writes the four tables, by the statements of sql/statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = {"dataset": connection.dataset, "table": connection.conversations}
        self.keeps: timedelta | None = None
        """How long partitions of conversations are kept, once the tables are checked; None for ever."""

    def check_tables(self) -> None:
        """Compare the tables with sql/tables, and their location with ours.

        Raises:
            TableMismatch: naming every table that is missing or elsewhere, and every column that is missing or of
                another type.
            WarehouseRefused, WarehouseUnavailable: as `failures.errors`.
        """
        problems: list[str] = []
        for name in TABLES:
            table = self._get_table(self._connection.table(name))
            problems += self._differences(name, table)
            if name == "conversations" and table is not None:
                self.keeps = _expiration(table)
        if problems:
            elsewhere = any(" is in " in problem for problem in problems)
            raise TableMismatch("; ".join(problems), hint=_ELSEWHERE_HINT if elsewhere else None)

    def _differences(self, name: str, table: bigquery.Table | None) -> Iterable[str]:
        full = self._connection.table(name)
        if table is None:
            return [f"{full} does not exist"]
        ours = self._connection.location
        if table.location and table.location.lower() != ours.lower():
            return [f"{full} is in {table.location}, BQ_LOCATION says {ours}"]
        actual = {field.name: field for field in table.schema}
        return [
            f"{full}.{field.name} is missing or not {field.field_type}"
            for field in schema(name)
            if field.name not in actual or _type(actual[field.name]) != _type(field)
        ]

    def _get_table(self, name: str) -> bigquery.Table | None:
        connection = self._connection
        with errors("check tables"):
            try:
                return connection.client.get_table(name, retry=connection.retry, timeout=connection.timeout)
            except exceptions.NotFound:
                return None

    def lets_go(self, created_at: datetime | None) -> bool:
        """Whether a row of that day would expire as soon as it is written, so that it need not be."""
        return self.keeps is not None and created_at is not None and created_at < datetime.now(UTC) - self.keeps - DAY

    def position(self) -> Position:
        """Raises: WarehouseRefused, WarehouseUnavailable."""
        began, most_seen, users = None, 0, {}
        for row in self._rows("watermarks", []):
            if row["user_id"] is None:
                began, most_seen = row["watermark"], row["most_seen"] or 0
            else:
                memory = (row["skipped_reason"], row["skipped_at"], row["failed_runs"] or 0)
                users[row["user_id"]] = Watermark(row["watermark"], row["owed_since"], *memory)
        return Position(users, began, most_seen)

    def versions(self, wanted: Mapping[datetime, Sequence[str]]) -> Versions:
        """Versions that are held: for each moment, those of these users that changed at or after it.

        Raises:
            WarehouseRefused, WarehouseUnavailable: as `failures.errors`.
        """
        windows = [{"since": since.isoformat(), "user_ids": users} for since, users in wanted.items()]
        parameters = [bigquery.ScalarQueryParameter("windows", "STRING", json.dumps(windows))]

        def held(rows: Iterable[Any]) -> Versions:
            fresh: dict[str, Held] = {}

            def version(row: Any) -> tuple[str, datetime, bool, str]:
                if row["message_count"] is not None:
                    fresh[row["id"]] = Held(row["user_id"], row["updated_at"], row["message_count"], row["raw_bytes"])
                return row["id"], row["updated_at"], row["deleted"], row["user_id"]

            return Versions(map(version, rows), fresh)

        return self._read("held_versions", parameters, held)

    def runs(self, *, limit: int, run_id: str | None = None) -> list[dict[str, Any]]:
        """Runs, newest first, as in sync_runs; state may also be `abandoned`. Raises as `position`."""
        parameters = [
            bigquery.ScalarQueryParameter("run_id", "STRING", run_id),
            bigquery.ScalarQueryParameter("most", "INT64", limit),
            bigquery.ScalarQueryParameter("abandoned_after", "INT64", ABANDONED_AFTER_SECONDS),
        ]
        return [dict(row) for row in self._rows("runs", parameters)]

    def states(self, run_ids: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        """State and start of these runs, as far as they are in the ledger. Raises as `position`."""
        parameters = [bigquery.ScalarQueryParameter("run_ids", "STRING", json.dumps(list(run_ids)))]
        return {row["run_id"]: (row["state"], row["started_at"]) for row in self._rows("run_states", parameters)}

    def staged(self, staging: str) -> dict[str, Any] | None:
        """The ledger's row of the run that filled a staging table; None where its last lines are missing."""
        rows = self._rows("staged_run", [], staging=staging)
        return _run_of(rows[0]["payload"]) if rows else None

    def record(self, run: Mapping[str, Any]) -> None:
        """Add a row to sync_runs, unless it is there. Raises: WarehouseRefused, WarehouseUnavailable."""
        self._read("record_run", _run_parameters(run), list, changes=True)

    def commit(self, staging: str, moves: Sequence[Move], run: Mapping[str, Any], refused: str = "") -> str:
        """Move staged rows into their tables, watermarks forward and the run's row into the ledger: all or none.

        Another run's commit at the same moment makes BigQuery abort one of the two. That one is tried again, as is a
        job that BigQuery itself broke, for as long as the deadline allows. Committing twice changes nothing, so any
        other refusal is tried again, too, a few times.

        Args:
            staging: the table; its lines of kind `window` are moves too
            moves: those that are not staged
            run: the row of sync_runs
            refused: why BigQuery's load refused lines that were sent and are not in the table

        Returns:
            The id of the job that committed.

        Raises:
            CommitFailed, WarehouseRefused: nothing was written.
            WarehouseUnavailable: BigQuery did not say what became of it; running it again is harmless.
        """
        sql = statement("commit", self._names | {"staging": staging})
        parameters = _parameters(run, moves, refused)
        attempts, pause, deadline = 0, pauses(), self._connection.deadline
        for number in count(1):
            job_id = f"sluice_{run['run_id']}_commit_{number}"
            error, begun = self._commit(sql, parameters, job_id)
            if error is None:
                return job_id
            if not begun:
                continue  # an earlier attempt; what was in its way then may be mended
            attempts += not isinstance(error, WarehouseUnavailable)
            if attempts == COMMIT_ATTEMPTS or not _may_pass(error) or deadline.expired:
                if self._is_committed(run["run_id"]):
                    return job_id  # by another run, which took it up and has dropped its table
                raise error
            log.warning(
                "the commit was refused",
                extra={"event": "commit_refused", "attempt": number, "error": str(error)},
            )
            time.sleep(min(next(pause), deadline.remaining))
        raise AssertionError("the numbers never end")

    def _commit(self, sql: str, parameters: list[Any], job_id: str) -> tuple[WarehouseError | None, bool]:
        """Run the script as one job: the error of one that has not committed, and whether it was begun here.

        Raises:
            WarehouseUnavailable: nobody knows how it ended.
        """
        try:
            job, begun = Jobs(self._connection, "commit").query(sql, _config(parameters), job_id)
        except WarehouseUnavailable as error:
            raise WarehouseUnavailable(str(error), step="commit", hint=STAGED_HINT) from error
        except WarehouseError as error:
            return error, True
        if not job.error_result:
            return None, begun
        failed = jobs.as_error(job, "commit", CommitFailed)
        if isinstance(failed, WarehouseUnavailable):
            failed.hint = STAGED_HINT
        return failed, begun

    def _is_committed(self, run_id: str) -> bool:
        state, _ = self.states([run_id]).get(run_id, ("", None))
        return state in {"completed", "partial"}

    def _rows(self, name: str, parameters: list[Any], **names: str) -> list[Any]:
        return self._read(name, parameters, list, **names)

    def _read[T](
        self,
        name: str,
        parameters: list[Any],
        make: Callable[[Iterable[Any]], T],
        *,
        changes: bool = False,
        **names: str,
    ) -> T:
        """What `make` makes of the rows of a statement; sent again as a whole where that may help."""
        connection, sql = self._connection, statement(name, self._names | names)
        config = _config(parameters)
        if not changes:  # a query leaves its result in a hidden table for a day; a statement that changes rows has none
            config.destination_encryption_configuration = connection.encryption
        return Jobs(connection, "ledger").read(
            lambda patience: make(
                connection.client.query_and_wait(
                    sql,
                    job_config=config,
                    api_timeout=connection.timeout,
                    wait_timeout=max(1.0, connection.deadline.remaining),
                    retry=patience,
                    job_retry=None,  # type: ignore[arg-type]  # documented as optional
                    page_size=50_000,
                )
            )
        )


_ELSEWHERE_HINT = "Set BQ_LOCATION to the location of the dataset: BigQuery finds no table from another one."


def _expiration(table: bigquery.Table) -> timedelta | None:
    """How long partitions are kept, by the day of their rows; None for ever."""
    partitioning = table.time_partitioning
    milliseconds = partitioning and partitioning.expiration_ms
    return timedelta(milliseconds=int(milliseconds)) if milliseconds else None


def _may_pass(error: WarehouseError) -> bool:
    """Whether another attempt may commit: not where permission, a table or a quota is missing."""
    return isinstance(error, WarehouseUnavailable | CommitFailed)


def _config(parameters: list[Any]) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(query_parameters=parameters, labels={"source": "looker"})


def _run_parameters(run: Mapping[str, Any]) -> list[bigquery.ScalarQueryParameter]:
    parameters = []
    for field in schema("sync_runs"):
        value = run.get(field.name)
        if field.field_type == "JSON":
            value = json.dumps(value) if value is not None else None
        kind = "STRING" if field.field_type == "JSON" else field.field_type
        parameters.append(bigquery.ScalarQueryParameter(field.name, kind, value))
    return parameters


def _parameters(run: Mapping[str, Any], moves: Sequence[Move], refused: str) -> list[bigquery.ScalarQueryParameter]:
    """Those of a commit."""
    return [
        *_run_parameters(run),
        bigquery.ScalarQueryParameter("moves", "STRING", json.dumps([asdict(move) for move in moves], default=_text)),
        bigquery.ScalarQueryParameter("refused", "STRING", f"BigQuery refused the row: {refused or 'no reason given'}"),
    ]


def staged_end(moves: Sequence[Move], run: Mapping[str, Any]) -> Iterator[bytes]:
    """The last lines of a staging table: the moves, and the row of sync_runs."""
    for move in moves:
        for start in range(0, len(move.user_ids), USERS_A_LINE):
            part = replace(move, user_ids=move.user_ids[start : start + USERS_A_LINE])
            yield _line("window", asdict(part))
    yield _line("run", run)


def _line(kind: str, payload: Mapping[str, Any]) -> bytes:
    return json.dumps({"kind": kind, "payload": payload}, default=_text).encode() + b"\n"


def _text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat()


def _run_of(text: str) -> dict[str, Any]:
    kinds = {field.name: field.field_type for field in schema("sync_runs")}
    return {
        name: datetime.fromisoformat(value) if value and kinds.get(name) == "TIMESTAMP" else value
        for name, value in json.loads(text).items()
    }


def _type(field: bigquery.SchemaField) -> str:
    return {"INT64": "INTEGER", "BOOL": "BOOLEAN", "FLOAT64": "FLOAT"}.get(field.field_type, field.field_type)
