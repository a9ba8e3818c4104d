"""Structured logs: one JSON object per line on standard output, as Cloud Logging reads them.

Special fields: https://cloud.google.com/logging/docs/structured-logging. Exceptions are logged as their types and the
lines of code they passed, never with their texts: those can quote what they stumbled over.
"""

import contextlib
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_bound: ContextVar[dict[str, str] | None] = ContextVar("bound", default=None)
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """severity, time, message, the fields bound to the request, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": record.getMessage(),
            "logger": record.name,
            **(_bound.get() or {}),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = _frames(record.exc_info[1])
        return json.dumps(entry, default=str)


def _frames(error: BaseException) -> list[str]:
    shown: list[str] = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        frames = traceback.extract_tb(cause.__traceback__)
        shown += ["caused by"] if shown else []
        shown += [type(cause).__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]
        cause = cause.__cause__ or cause.__context__
    return shown


def setup() -> None:
    """Send every log of this process through the formatter. May be called again."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Their debug and info lines show addresses with query strings.
    for name in ("urllib3", "google", "werkzeug"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextlib.contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Add fields to every log line of this context, and of the threads that run in a copy of it."""
    token = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def trace(header: str, project: str) -> dict[str, str]:
    """The field that groups a request's lines in Cloud Logging, from `X-Cloud-Trace-Context: TRACE/SPAN;o=1`."""
    trace_id = header.partition("/")[0]
    return {"logging.googleapis.com/trace": f"projects/{project}/traces/{trace_id}"} if trace_id.isalnum() else {}
