"""What was committed, what is committed now: watermarks, versions held, runs."""

import json
import logging
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast

from google.api_core import exceptions
from google.cloud import bigquery

from sluice.errors import CommitFailed, TableMismatch
from sluice.warehouse.connection import JOB_RETRY, REQUEST_SECONDS, RETRY, Connection, errors
from sluice.warehouse.definitions import schema, statement
from sluice.warehouse.versions import Versions

TABLES = ("conversations", "rejects", "feedback", "sync_runs", "sync_users")
ABANDONED_AFTER_SECONDS = 2 * 3600
"""Twice the longest time a function may run."""
COMMIT_ATTEMPTS = 6
NEVER_PASSING = (exceptions.Unauthorized, exceptions.Forbidden, exceptions.NotFound)
JOB_SECONDS = 900.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far one user is. `owed_since` is the start of a window that was left unfinished."""

    watermark: datetime | None
    owed_since: datetime | None


@dataclass(frozen=True, slots=True)
class Position:
    """How far the installation is: every user's watermark, and where the ledger began (None before the first run)."""

    users: Mapping[str, Watermark]
    began: datetime | None


@dataclass(frozen=True, slots=True)
class Move:
    """What a run did with the window of some users.

    `anchored`: the window begins where nothing before it is wanted, so that it may set a first watermark.
    """

    since: datetime
    until: datetime
    finished: bool
    anchored: bool
    user_ids: Sequence[str]


class Ledger:
    """Reads and writes the four tables, by the statements of sql/statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = {"dataset": connection.dataset, "table": connection.conversations}

    def check_tables(self) -> None:
        """Compare the tables with sql/tables.

        Raises:
            TableMismatch: naming every table that is missing and every column that is missing or of another type.
            WarehouseRefused, WarehouseUnavailable: as `connection.errors`.
        """
        with errors("check tables"):
            problems = [problem for table in TABLES for problem in self._differences(table)]
        if problems:
            raise TableMismatch("; ".join(problems))

    def _differences(self, table: str) -> Iterable[str]:
        name = self._connection.table(table)
        try:
            actual = {field.name: field for field in self._get_table(name).schema}
        except exceptions.NotFound:
            return [f"{name} does not exist"]
        return [
            f"{name}.{field.name} is missing or not {field.field_type}"
            for field in schema(table)
            if field.name not in actual or _type(actual[field.name]) != _type(field)
        ]

    def _get_table(self, name: str) -> bigquery.Table:
        return self._connection.client.get_table(name, retry=RETRY, timeout=REQUEST_SECONDS)

    def position(self) -> Position:
        """Raises: WarehouseRefused, WarehouseUnavailable."""
        began, users = None, {}
        for row in self._rows("watermarks", []):
            if row["user_id"] is None:
                began = row["watermark"]
            else:
                users[row["user_id"]] = Watermark(row["watermark"], row["owed_since"])
        return Position(users, began)

    def versions(self, wanted: Mapping[datetime, Sequence[str]]) -> Versions:
        """Versions that are held: for each moment, those of these users that changed at or after it.

        Raises:
            WarehouseRefused, WarehouseUnavailable: as `connection.errors`.
        """
        windows = [{"since": since.isoformat(), "user_ids": users} for since, users in wanted.items()]
        parameters = [bigquery.ScalarQueryParameter("windows", "STRING", json.dumps(windows))]
        rows = self._rows("held_versions", parameters)
        return Versions((row["id"], row["updated_at"], row["deleted"]) for row in rows)

    def runs(self, *, limit: int, run_id: str | None = None) -> list[dict[str, Any]]:
        """Runs, newest first, as in sync_runs; state may also be `abandoned`. Raises as `position`."""
        parameters = [
            bigquery.ScalarQueryParameter("run_id", "STRING", run_id),
            bigquery.ScalarQueryParameter("most", "INT64", limit),
            bigquery.ScalarQueryParameter("abandoned_after", "INT64", ABANDONED_AFTER_SECONDS),
        ]
        return [dict(row) for row in self._rows("runs", parameters)]

    def record(self, run: Mapping[str, Any]) -> None:
        """Add a row to sync_runs, unless it is there. Raises: WarehouseRefused, WarehouseUnavailable."""
        sql = statement("record_run", self._names)
        with errors("ledger"):
            self._query(sql, _run_parameters(run))

    def commit(self, staging: str, moves: Sequence[Move], run: Mapping[str, Any]) -> str:
        """Move staged rows into their tables, watermarks forward and the run's row into the ledger: all or none.

        Another run's commit at the same moment makes BigQuery abort one of the two. No reason code tells that from
        another refusal, and committing twice changes nothing: so a refused commit is simply tried again, a few times.

        Returns:
            The id of the job that committed.

        Raises:
            CommitFailed: nothing was written.
            WarehouseUnavailable: BigQuery did not say what became of it; running it again is harmless.
        """
        sql = statement("commit", self._names | {"staging": staging})
        parameters = _run_parameters(run)
        parameters.append(bigquery.ScalarQueryParameter("moves", "STRING", _moves(moves)))
        for attempt in range(1, COMMIT_ATTEMPTS + 1):
            job_id = f"sluice_{run['run_id']}_commit_{attempt}"
            with errors("commit", CommitFailed):
                try:
                    self._run_script(sql, parameters, job_id)
                except exceptions.GoogleAPICallError as error:
                    if attempt == COMMIT_ATTEMPTS or isinstance(error, NEVER_PASSING):
                        raise
                else:
                    return job_id
            log.warning("the commit was refused", extra={"event": "commit_refused", "attempt": attempt})
            time.sleep(random.uniform(0.5, 1.0) * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def _run_script(self, sql: str, parameters: list[bigquery.ScalarQueryParameter], job_id: str) -> None:
        client, location = self._connection.client, self._connection.location
        try:
            job = client.query(
                sql,
                job_config=_config(parameters),
                job_id=job_id,
                location=location,
                retry=RETRY,
                timeout=REQUEST_SECONDS,
                job_retry=None,
            )
        except exceptions.Conflict:
            # The answer to an earlier request was lost: the job is there.
            job = cast(bigquery.QueryJob, client.get_job(job_id, location=location, retry=RETRY))
        job.result(retry=RETRY, timeout=JOB_SECONDS)

    def _rows(self, name: str, parameters: list[bigquery.ScalarQueryParameter]) -> Iterable[Any]:
        with errors("ledger"):
            yield from self._query(statement(name, self._names), parameters)

    def _query(self, sql: str, parameters: list[bigquery.ScalarQueryParameter]) -> Iterable[Any]:
        return self._connection.client.query_and_wait(
            sql,
            job_config=_config(parameters),
            api_timeout=REQUEST_SECONDS,
            wait_timeout=JOB_SECONDS,
            retry=RETRY,
            job_retry=JOB_RETRY,
            page_size=50_000,
        )


def _config(parameters: list[bigquery.ScalarQueryParameter]) -> bigquery.QueryJobConfig:
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


def _moves(moves: Sequence[Move]) -> str:
    def text(value: object) -> str:
        assert isinstance(value, datetime)
        return value.astimezone(UTC).isoformat()

    return json.dumps([asdict(move) for move in moves], default=text)


def _type(field: bigquery.SchemaField) -> str:
    return {"INT64": "INTEGER", "BOOL": "BOOLEAN", "FLOAT64": "FLOAT"}.get(field.field_type, field.field_type)
