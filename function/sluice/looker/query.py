"""A saved query of System Activity, run as admin: started once, waited for, its rows read.

Where a load balancer gives up on a slow `GET /queries/{id}/run`, the query goes on inside Looker, and a retry starts
another beside it. So the query is run as a task (`POST /query_tasks`) whose status is asked for. Where no task can be
had, the query is run the plain way, once.
"""

import logging
from itertools import count
from typing import Any

import msgspec

from sluice.errors import LookerRefused, LookerUnavailable, QueryFailed
from sluice.looker.brake import Brake
from sluice.looker.session import Session

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
# The examples of looker-sdk end at "failure" and "error"; "expired" and "missing" are of `query_task_multi_results`.
ENDED = {"failure", "error", "killed", "expired", "missing"}
MAX_UNREADY_RESULTS = 5
"""Results may be 202, with no rows, where the task is not complete after all."""

ALL_ROWS = -1
"""As `limit`: that of the saved query is 500 by default."""

type Row = dict[str, Any]

log = logging.getLogger(__name__)


class _Task(msgspec.Struct):
    id: str | int
    status: str | None = None


def rows(admin: Session, query_id: str, failed: type[QueryFailed], brake: Brake) -> list[Row]:
    """Rows of Looker's `json` format: one object per row, with keys such as `user.id`.

    Raises:
        QueryFailed: as `failed`: the query was refused, failed inside Looker, or was not answered with rows.
        LookerUnavailable: no answer, or none before the run's time is over.
        LoginRefused: as Session.get.
    """
    try:
        task = _start(admin, query_id)
        body = _plain(admin, query_id, failed) if task is None else _result(admin, task, query_id, failed, brake)
    except LookerRefused as error:
        message = f"Looker refused the System Activity query {query_id}: HTTP {error.code}"
        raise failed(message, hint=failed.refused(error.code)) from error
    return _decode(body, query_id, failed)


def _start(admin: Session, query_id: str) -> _Task | None:
    """The task that runs the query; None where it cannot be had, whatever the reason."""
    try:
        body = admin.post("/query_tasks", {"query_id": query_id, "result_format": "json"}, limit=ALL_ROWS)
        return msgspec.json.decode(body, type=_Task)
    except (LookerRefused, LookerUnavailable, msgspec.DecodeError) as error:
        if isinstance(error, LookerUnavailable) and not admin.logged_in:
            raise
        log.info("no query task", extra={"event": "query_task_refused", "error": type(error).__name__})
        return None


def _plain(admin: Session, query_id: str, failed: type[QueryFailed]) -> bytes:
    try:
        return admin.get(f"/queries/{query_id}/run/json", once=True, limit=ALL_ROWS)
    except LookerUnavailable as error:
        error.step, error.hint = failed.step, failed.once()
        raise


def _result(admin: Session, task: _Task, query_id: str, failed: type[QueryFailed], brake: Brake) -> bytes:
    unready = 0
    for attempt in count():
        if task.status in ENDED:
            raise failed(f"query {query_id} failed inside Looker (task {task.status})", hint=failed.inside())
        if task.status == "complete":
            body = admin.get(f"/query_tasks/{task.id}/results")
            unready += 1
            if (body.strip() and body.lstrip()[:1] != b"{") or unready > MAX_UNREADY_RESULTS:
                return body
        if not brake.sleep(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 1.5**attempt)):
            break
        try:
            task = msgspec.json.decode(admin.get(f"/query_tasks/{task.id}"), type=_Task)
        except msgspec.DecodeError as error:
            raise failed(f"the task of query {query_id} has no status", hint=failed.unreadable()) from error
    message = f"query {query_id} was not answered before the run's time was over"
    raise LookerUnavailable(message, hint=failed.slow(), step=failed.step)


def _decode(body: bytes, query_id: str, failed: type[QueryFailed]) -> list[Row]:
    try:
        found = msgspec.json.decode(body, type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        message = f"query {query_id} was not answered with a list of rows"
        raise failed(message, hint=failed.unreadable()) from error
    # A failure can be told with 200. Looker's own text of it may quote data: it is not repeated here.
    if any("looker_error" in row for row in found):
        raise failed(f"query {query_id} failed inside Looker (looker_error)", hint=failed.inside())
    return found
