"""What earlier runs staged and could not commit: committed now, before anything is fetched again.

A staging table is complete in itself: its last lines are the windows and the ledger's row of its run. To commit it is
harmless at any time and more than once: the newest version of a conversation wins, a version is rejected once,
watermarks never move back, and a window that was left unfinished is owed.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.deadline import Deadline
from sluice.errors import CommitFailed, WarehouseError
from sluice.warehouse.connection import Connection
from sluice.warehouse.failures import errors
from sluice.warehouse.jobs import Jobs
from sluice.warehouse.ledger import Ledger
from sluice.warehouse.load import LABELS, PREFIX, Staging, load_job_of, refused_rows

MAX_TABLES = 50
"""Looked at in one run; a week of nights leaves fewer."""
SHARE = 0.5
"""Of the time left, at most spent here: a load that still goes on holds what would be fetched again."""
GRACE_SECONDS = 60.0
"""After its limit a run notes its failure and answers."""

log = logging.getLogger(__name__)


def adopt(connection: Connection, ledger: Ledger, limit_seconds: float) -> list[str]:
    """Commit what earlier runs staged.

    A table whose run goes on, or that no run of the ledger left, is not touched. What goes wrong is logged: the table
    then stays to the next run, and this one goes on.

    Returns:
        The ids of the runs that are committed now.
    """
    adopted: list[str] = []
    with connection.until(Deadline(SHARE * connection.deadline.remaining)):
        try:
            for run_id in _left(connection, ledger, limit_seconds):
                if _adopt(connection, ledger, run_id):
                    adopted.append(run_id)
        except WarehouseError as error:
            log.warning("staged runs were not all adopted", extra={"event": "adoption_failed", "error": str(error)})
    return adopted


def _left(connection: Connection, ledger: Ledger, limit_seconds: float) -> Iterator[str]:
    """Runs that ended without a commit and left a table, oldest first. Tables of runs that did commit are dropped."""
    run_ids = _staged_runs(connection)
    states = ledger.states(run_ids) if run_ids else {}
    ended_before = datetime.now(UTC) - timedelta(seconds=limit_seconds + GRACE_SECONDS)
    for run_id in run_ids:
        state, started_at = states.get(run_id, ("unknown", ended_before))
        if state in {"completed", "partial"}:
            Staging(connection, run_id).drop()
        elif state == "failed" or (state == "running" and started_at < ended_before):
            yield run_id


def _staged_runs(connection: Connection) -> list[str]:
    with errors("adopt"):
        tables = list(
            connection.client.list_tables(connection.dataset, retry=connection.retry, timeout=connection.timeout)
        )
    ours = [
        each.table_id for each in tables if each.table_id.startswith(PREFIX) and each.labels.items() >= LABELS.items()
    ]
    return [name.removeprefix(PREFIX).replace("_", "-") for name in sorted(ours)[:MAX_TABLES]]


def _adopt(connection: Connection, ledger: Ledger, run_id: str) -> bool:
    """Whether the run is committed now. The table is dropped, unless how its load or its commit ends is not known."""
    staging = Staging(connection, run_id)
    job = _load(connection, run_id)
    run = ledger.staged(staging.table) if job is not None else None
    if job is not None and run is not None:
        try:
            job_id = ledger.commit(staging.table, [], run, refused_rows(job)[1])
        except CommitFailed:
            log.exception("a staged run cannot be committed", extra={"event": "adoption_refused", "run": run_id})
            run = None
        else:
            log.info("a staged run was committed", extra={"event": "adopted", "run": run_id, "job_id": job_id})
    staging.drop()
    return run is not None


def _load(connection: Connection, run_id: str) -> Any | None:
    """The load job of a run, once it has ended; None where it failed, or the upload never did."""
    jobs, job_id = Jobs(connection, "adopt"), load_job_of(run_id)
    if jobs.find(job_id) is None:
        return None
    job = jobs.ended(job_id)
    return None if job.error_result else job
