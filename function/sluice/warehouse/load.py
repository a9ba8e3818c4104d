"""All rows of a run into one staging table, by one load job."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import TracebackType
from typing import Any, Self

from google.cloud import bigquery

from sluice.deadline import Deadline
from sluice.errors import CommitFailed, LoadFailed, WarehouseError, WarehouseUnavailable
from sluice.warehouse import jobs
from sluice.warehouse.connection import Connection
from sluice.warehouse.definitions import staging_schema
from sluice.warehouse.failures import errors
from sluice.warehouse.jobs import APPEARS_SECONDS, Jobs
from sluice.warehouse.ledger import STAGED_HINT
from sluice.warehouse.stream import LineStream
from sluice.warehouse.upload import CHUNK_BYTES, Upload

PREFIX = "staging_"
LABELS = {"source": "looker", "content": "staging"}
STAGING_LIFE = timedelta(days=7)
"""A run that could not commit leaves its table to the next one; a week of nights without one is an outage."""
MAX_BAD_RECORDS = 1000
"""Rows that the load may refuse: each becomes a reject. More of them are no bad rows but a bad load."""
MAX_PARAMETER_BYTES = 4_000_000
"""BigQuery takes requests of 10 MB."""
DROP_SECONDS = 10.0

COMMIT_SECONDS = 120.0
"""Kept for the end of a run: the requests to Looker under way, the start of a load job, a small commit."""
BYTES_PER_SECOND = 10_000_000
"""Loaded and merged at least. BigQuery promises nothing; a load of NDJSON usually is several times as fast."""
MAX_SHARE = 0.5
"""Of a run's time that is kept for its end, however much is staged."""

log = logging.getLogger(__name__)


def commit_margin(staged_bytes: int, limit_seconds: float) -> float:
    """Seconds before its end at which a run must stop fetching, so that what is staged can be committed."""
    return min(MAX_SHARE * limit_seconds, COMMIT_SECONDS + staged_bytes / BYTES_PER_SECOND)


def table_of(dataset: str, run_id: str) -> str:
    return f"{dataset}.{PREFIX}{run_id.replace('-', '_')}"


def load_job_of(run_id: str) -> str:
    return f"sluice_{run_id}_load"


class Staging:
    """The staging table of one run. It expires by itself.

    As a context it is dropped at the end, unless what it holds is not known to be committed: the next run then takes it
    up. What BigQuery refused to commit is known.
    """

    def __init__(self, connection: Connection, run_id: str, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._connection = connection
        self._chunk_bytes = chunk_bytes
        self.table = table_of(connection.dataset, run_id)
        self._load_id = load_job_of(run_id)
        self.job_id: str | None = None
        """Id of the load job; None as long as there is none."""
        self.bytes_sent = 0
        self.refused_rows, self.refused = 0, ""
        """Rows that the load refused, and BigQuery's reasons."""
        self._holds_work = False

    def __enter__(self) -> Self:
        self.create()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        committing = isinstance(error, WarehouseError) and error.step == "commit"
        if error is None or isinstance(error, CommitFailed) or not (self._holds_work or committing):
            self.drop()
        else:
            log.warning("the staging table is left to the next run", extra={"event": "staged", "table": self.table})

    def create(self) -> None:
        """Create the empty table, so that the load cannot change its schema.

        Raises:
            WarehouseRefused, WarehouseUnavailable: as `failures.errors`.
        """
        connection = self._connection
        table = bigquery.Table(self.table, schema=staging_schema())
        table.expires = datetime.now(UTC) + STAGING_LIFE
        table.labels = LABELS
        with errors("load"):
            connection.client.create_table(table, exists_ok=True, retry=connection.retry, timeout=connection.timeout)

    def load(
        self,
        lines: Iterator[bytes],
        closing: Callable[[], Iterable[bytes]] = tuple,
        stop_fetching: Callable[[float], None] = lambda moment: None,
    ) -> None:
        """Stream the lines into one load job and wait for it. Without a row there is no job.

        Args:
            lines: the rows
            closing: gives the last lines, once the others have ended
            stop_fetching: told the moment (`time.monotonic()`) at which lines must stop coming, for the run to be
                committed in time; the more is staged, the earlier

        Raises:
            LoadFailed: the job ended with an error.
            WarehouseRefused, WarehouseUnavailable: as `failures.errors`.
            Whatever `lines` raises: there is then no job.
        """
        connection, deadline = self._connection, self._connection.deadline

        def sent(size: int) -> None:
            stop_fetching(deadline.at - commit_margin(size, deadline.seconds))

        sent(0)
        first = next(lines, None)
        if first is None:
            # A quiet run hands its windows to the commit, unless they are too many for a parameter.
            last = list(closing())
            if sum(map(len, last)) <= MAX_PARAMETER_BYTES:
                return
            first, closing = b"", lambda: last
        url = f"{connection.endpoint}/upload/bigquery/v2/projects/{connection.project}/jobs?uploadType=resumable"
        stream = LineStream(chain([first], lines, _later(closing)))
        Upload(
            connection.session,
            url,
            self._resource(),
            stream,
            chunk_bytes=self._chunk_bytes,
            deadline=deadline,
            sent=sent,
        ).run()
        self.bytes_sent = stream.tell()
        self._holds_work = stream.ended
        self._finish()

    def _finish(self) -> None:
        found = Jobs(self._connection, "load")
        try:
            if found.find(self._load_id, APPEARS_SECONDS if self._holds_work else 0.0) is None:
                self._holds_work = False
                raise _lost(self.bytes_sent)
            self.job_id = self._load_id
            job = found.ended(self._load_id)
        except WarehouseUnavailable as error:
            hint = STAGED_HINT if self._holds_work else _LOST_HINT
            raise WarehouseUnavailable(str(error), step="load", hint=hint) from error
        if job.error_result:
            self._holds_work = False
            raise jobs.as_error(job, "load", LoadFailed)
        self.refused_rows, self.refused = refused_rows(job)
        log.info("rows were staged", extra={"event": "staged", "job_id": self._load_id, "rows": job.output_rows})
        if self.refused_rows:
            log.warning(
                "BigQuery refused rows",
                extra={"event": "rows_refused", "rows": self.refused_rows, "error": self.refused},
            )

    def _resource(self) -> dict[str, object]:
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            schema=staging_schema(),
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            max_bad_records=MAX_BAD_RECORDS,
            ignore_unknown_values=False,
            labels={"source": "looker"},
        )
        config.destination_encryption_configuration = self._connection.encryption
        configuration = config.to_api_repr()
        project, dataset, table = self.table.rsplit(".", 2)
        configuration["load"]["destinationTable"] = {"projectId": project, "datasetId": dataset, "tableId": table}
        reference = {
            "projectId": self._connection.project,
            "jobId": self._load_id,
            "location": self._connection.location,
        }
        return {"jobReference": reference, "configuration": configuration}

    def drop(self) -> None:
        """Delete the table; a failure is logged, the table then expires."""
        connection = self._connection
        try:
            # At the end of a run's time, too; no longer, because a table left behind does no harm.
            with connection.until(Deadline(DROP_SECONDS)), errors("load"):
                connection.client.delete_table(
                    self.table, not_found_ok=True, retry=connection.retry, timeout=connection.timeout
                )
        except WarehouseError as error:
            log.warning(
                "the staging table was left to expire",
                extra={"event": "staging_left", "table": self.table, "error": str(error)},
            )


def refused_rows(job: Any) -> tuple[int, str]:
    """How many rows a load job refused, and why."""
    count = int(job._properties.get("statistics", {}).get("load", {}).get("badRecords") or 0)
    return count, " ".join(sorted(jobs.reasons(job))) if count else ""


_LOST_HINT = (
    "BigQuery forgot the upload, and what was sent by it. The next run begins where this one did; if it happens again, "
    "a smaller RUN_BUDGET_SECONDS makes uploads shorter."
)


def _lost(size: int) -> WarehouseUnavailable:
    return WarehouseUnavailable(f"the upload ended after {size} bytes and BigQuery has no job of it", step="load")


def _later(closing: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    yield from closing()
