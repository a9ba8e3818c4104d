"""Jobs of BigQuery: begun under ids of ours, waited for, looked up when nobody knows what became of them.

The end of a job is read from the job itself (jobs.get): jobs.getQueryResults tells a failed job as an HTTP error, which
cannot be told from a failure of the request.
"""

import time
from collections.abc import Callable
from typing import Any

from google.api_core import exceptions
from google.cloud import bigquery

from sluice.deadline import Deadline
from sluice.errors import WarehouseError, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse import failures
from sluice.warehouse.connection import QUERY_SECONDS, Connection, Patience
from sluice.warehouse.failures import errors

FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.1, 3.0
APPEARS_SECONDS = 30.0
"""How long jobs.get may not know a job that was made (googleapis/python-bigquery#2134)."""

CONFLICT = "due to concurrent update"
"""In the text of BigQuery's error where two transactions met; its reason is that of any wrong query."""


class Jobs:
    """The jobs of one connection, within its deadline. All methods raise as `failures.errors`."""

    def __init__(self, connection: Connection, step: str) -> None:
        self._connection = connection
        self._step = step

    def find(self, job_id: str, patience_seconds: float = 0.0) -> Any | None:
        """The job, or None where there is none; it may take `patience_seconds` to appear."""
        connection = self._connection
        appears = Deadline(min(patience_seconds, connection.deadline.remaining))
        pause = FIRST_POLL_SECONDS
        while True:
            try:
                with errors(self._step):
                    return self._get(job_id)
            except WarehouseError as error:
                if not isinstance(error.__cause__, exceptions.NotFound):
                    raise
            if appears.expired:
                return None
            time.sleep(min(pause, appears.remaining))
            pause = min(2 * pause, MAX_POLL_SECONDS)

    def _get(self, job_id: str) -> Any:
        connection = self._connection
        return connection.client.get_job(
            job_id, location=connection.location, retry=connection.retry, timeout=connection.timeout
        )

    def ended(self, job_id: str) -> Any:
        """Wait for the end of a job that was made, however it ends.

        Raises:
            WarehouseUnavailable: it had not ended by the deadline, or cannot be found: nobody knows what becomes of it.
        """
        deadline, pause = self._connection.deadline, FIRST_POLL_SECONDS
        while True:
            job = self.find(job_id, APPEARS_SECONDS)
            if job is None:
                raise WarehouseUnavailable(f"BigQuery does not know job {job_id}", step=self._step)
            if job.state == "DONE":
                return job
            if deadline.expired:
                raise WarehouseUnavailable(
                    f"job {job_id} was {str(job.state).lower()} when the run's time was over", step=self._step
                )
            time.sleep(min(pause, deadline.remaining))
            pause = min(1.5 * pause, MAX_POLL_SECONDS)

    def query(self, sql: str, config: bigquery.QueryJobConfig, job_id: str) -> tuple[Any, bool]:
        """Begin a query under that id, or find the one that has it already, and wait for its end.

        Returns:
            The ended job, and whether it was begun by this very call.
        """
        connection, begun = self._connection, True
        with errors(self._step):
            try:
                connection.client.query(
                    sql,
                    job_config=config,
                    job_id=job_id,
                    location=connection.location,
                    retry=connection.retry,
                    timeout=connection.timeout,
                    job_retry=None,
                )
            except exceptions.Conflict:
                begun = False  # an answer was lost, or an earlier run began it: the job is there
        return self.ended(job_id), begun

    def read[T](self, ask: Callable[[Patience], T]) -> T:
        """Ask until there is an answer: what `ask` does must be harmless twice, and each time be a job of its own."""
        connection = self._connection

        def once() -> T:
            patience = Patience(Deadline(min(connection.deadline.remaining, QUERY_SECONDS)))
            return ask(patience)

        with errors(self._step):
            answer: T = connection.retry(once)()
            return answer


def reasons(job: Any) -> set[str]:
    """Why a job failed, or rows of it were refused: BigQuery's words for it, never its texts."""
    return failures.reasons([job.error_result, *(job.errors or ())])


def as_error(job: Any, step: str, refused: type[WarehouseError]) -> WarehouseError:
    """Our error for a failed job."""
    given = reasons(job)
    told = f"BigQuery: job {job.job_id}: {' '.join(sorted(given)) or 'failed'}"
    text = str((job.error_result or {}).get("message", ""))
    if failures.judge_answer(0, given).may_pass or CONFLICT in text:
        return WarehouseUnavailable(told, step=step)
    permitted = not given & {"accessDenied", "billingNotEnabled", "quotaExceeded", "notFound"}
    kind = refused if permitted else WarehouseRefused
    return kind(told, step=step, hint=failures.hint(given, text))
