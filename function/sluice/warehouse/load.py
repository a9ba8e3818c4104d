"""All rows of a run into one staging table, by one load job."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import cast

from google.api_core import exceptions
from google.cloud import bigquery

from sluice.errors import LoadFailed, WarehouseError, WarehouseUnavailable
from sluice.warehouse.connection import REQUEST_SECONDS, RETRY, Connection, errors
from sluice.warehouse.definitions import staging_schema
from sluice.warehouse.stream import LineStream
from sluice.warehouse.upload import CHUNK_BYTES, Upload

STAGING_LIFE = timedelta(days=1)
JOB_SECONDS = 900.0

log = logging.getLogger(__name__)


class Staging:
    """The staging table of one run. It expires by itself; `drop` only tidies up."""

    def __init__(self, connection: Connection, run_id: str, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._connection = connection
        self._chunk_bytes = chunk_bytes
        self.table = f"{connection.dataset}.staging_{run_id.replace('-', '_')}"
        self._load_id = f"sluice_{run_id}_load"
        self.job_id: str | None = None
        """Id of the load job; None as long as there is none."""
        self.bytes_sent = 0

    def create(self) -> None:
        """Create the empty table, so that the load cannot change its schema.

        Raises:
            WarehouseRefused, WarehouseUnavailable: as `connection.errors`.
        """
        table = bigquery.Table(self.table, schema=staging_schema())
        table.expires = datetime.now(UTC) + STAGING_LIFE
        table.labels = {"source": "looker", "content": "staging"}
        with errors("load"):
            self._connection.client.create_table(table, exists_ok=True, retry=RETRY, timeout=REQUEST_SECONDS)

    def load(self, lines: Iterator[bytes]) -> None:
        """Stream the lines into one load job and wait for it. Without a line there is no job.

        Raises:
            LoadFailed: the job ended with an error.
            WarehouseRefused, WarehouseUnavailable: as `connection.errors`.
            Whatever `lines` raises: there is then no job.
        """
        first = next(lines, None)
        if first is None:
            return
        connection = self._connection
        url = f"{connection.endpoint}/upload/bigquery/v2/projects/{connection.project}/jobs?uploadType=resumable"
        stream = LineStream(chain([first], lines))
        upload = Upload(connection.session, url, self._resource(), stream, chunk_bytes=self._chunk_bytes)
        with errors("load", LoadFailed):
            upload.run()
            self.bytes_sent = stream.tell()
            job = self._job()
            self.job_id = self._load_id
            self._finish(job)

    def _job(self) -> bigquery.LoadJob:
        try:
            job = self._connection.client.get_job(self._load_id, location=self._connection.location, retry=RETRY)
            return cast(bigquery.LoadJob, job)
        except exceptions.NotFound as error:
            raise WarehouseUnavailable("the upload ended and BigQuery has no job of it", step="load") from error

    def _finish(self, job: bigquery.LoadJob) -> None:
        try:
            job.result(retry=RETRY, timeout=JOB_SECONDS)
        except exceptions.GoogleAPICallError as error:
            if job.error_result is None:
                raise
            raise LoadFailed(f"load job {self._load_id}: {job.error_result.get('reason', 'failed')}") from error
        log.info("rows were staged", extra={"event": "staged", "job_id": self._load_id, "rows": job.output_rows})

    def _resource(self) -> dict[str, object]:
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            schema=staging_schema(),
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            max_bad_records=0,
            ignore_unknown_values=False,
            labels={"source": "looker"},
        )
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
        try:
            with errors("load"):
                self._connection.client.delete_table(
                    self.table, not_found_ok=True, retry=RETRY, timeout=REQUEST_SECONDS
                )
        except WarehouseError as error:
            log.warning(
                "the staging table was left to expire",
                extra={"event": "staging_left", "table": self.table, "error": str(error)},
            )
