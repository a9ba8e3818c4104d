"""HTTP in, status out: routing, parameters, errors -> status. No logic."""

import json
import logging
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time
from typing import Any

import flask
import functions_framework

from sluice import __version__, body, heap, logs
from sluice.busy import SCHEDULER_HEADER, Busy
from sluice.errors import BodyRefused, RequestError, Retryable, SluiceError
from sluice.looker.session import USER_ID
from sluice.plan import Kind, Order
from sluice.run import new_run_id, run
from sluice.settings import Settings
from sluice.warehouse.connection import Connection
from sluice.warehouse.ledger import Ledger

MOST_RUNS = 1000
RUN_PARAMETERS = ("since", "until", "users", "dry-run", "refetch")
TRUE, FALSE = {"", "1", "true", "yes"}, {"0", "false", "no"}
NO_SUCH_PATH = {"error": "no such path; there are POST /daily, POST /historical, GET /runs, GET /healthz"}

type Answer = tuple[Any, int]

# The framework imports this module first and starts its server then: it would take WORKERS for a number of processes.
if "WORKERS" in os.environ:
    os.environ["LOOKER_WORKERS"] = os.environ.pop("WORKERS")
heap.bound()
logs.setup()
log = logging.getLogger("sluice.main")
busy = Busy()


@functions_framework.http
def handle(request: flask.Request) -> flask.Response:
    """The function's entry point."""
    run_id = new_run_id(datetime.now(UTC))
    try:
        body.receive(request)
        answer, status = _route(request)(request, run_id)
    except BodyRefused as error:
        return _unread(_failure(error, run_id), error.status)
    except SluiceError as error:
        answer, status = _failure(error, run_id), error.status
    except Exception as error:
        log.exception("unexpected failure", extra={"event": "unexpected", "run_id": run_id})
        answer, status = _failure(SluiceError(f"unexpected {type(error).__name__}"), run_id), 500
    response = flask.Response(_json(answer), status, mimetype="application/json")
    if status == 405:
        response.headers["Allow"] = answer["allow"]
    return response


def _framework_refused(error: Any) -> flask.Response:
    """What the framework refuses itself, answered as all else is; its own pages are HTML."""
    return _unread(NO_SUCH_PATH if error.code == 404 else {"error": error.name}, error.code)


# A websocket; /robots.txt and /favicon.ico; a crash.
for code in (400, 404, 500):
    functions_framework.errorhandler(code)(_framework_refused)


def _unread(answer: dict[str, Any], status: int) -> flask.Response:
    """An answer in spite of a body that may be unreadable: the framework reads on unless the answer is a stream."""
    text = _json(answer).encode()
    response = flask.Response(iter([text]), status, mimetype="application/json")
    response.content_length = len(text)
    return response


def _json(answer: Any) -> str:
    return json.dumps(answer, default=_text) + "\n"


def _route(request: flask.Request) -> Callable[[flask.Request, str], Answer]:
    path = request.path.rstrip("/") or "/"
    method = "GET" if request.method == "HEAD" else request.method
    routes: dict[str, tuple[str, Callable[[flask.Request, str], Answer]]] = {
        "/daily": ("POST", _daily),
        "/historical": ("POST", _historical),
        "/runs": ("GET", _runs),
        "/healthz": ("GET", _healthz),
        # The same: Cloud Run keeps some paths that end in z to itself.
        "/health": ("GET", _healthz),
    }
    allowed, endpoint = routes.get(path, ("GET", _one_run) if path.startswith("/runs/") else ("", _not_found))
    if allowed and method != allowed:
        return lambda *_: ({"error": f"{path} takes {allowed}", "allow": allowed}, 405)
    return endpoint


def _not_found(request: flask.Request, run_id: str) -> Answer:
    return NO_SUCH_PATH, 404


def _daily(request: flask.Request, run_id: str) -> Answer:
    _known(request, "since", "until", "users", "dry-run")
    return _run(request, run_id, Kind.DAILY)


def _historical(request: flask.Request, run_id: str) -> Answer:
    _known(request, "since", "until", "users", "dry-run", "refetch")
    return _run(request, run_id, Kind.HISTORICAL)


def _run(request: flask.Request, run_id: str, kind: Kind) -> Answer:
    body.ignore(request.get_data(), RUN_PARAMETERS)
    settings = Settings.load()
    order = _order(request, kind, settings)
    trace = logs.trace(request.headers.get("X-Cloud-Trace-Context", ""), settings.gcp_project_id)
    scheduled = request.headers.get(SCHEDULER_HEADER) == "true"
    with logs.bound(run_id=run_id, **trace), busy.run(run_id, scheduled=scheduled):
        return run(settings, order, run_id).body(), 200


def _runs(request: flask.Request, run_id: str) -> Answer:
    _known(request, "limit")
    limit = request.args.get("limit", "50")
    if not limit.isdecimal() or len(limit) > len(str(MOST_RUNS)) or not 1 <= int(limit) <= MOST_RUNS:
        raise RequestError("limit", f"a whole number from 1 to {MOST_RUNS}")
    with closing(Connection(Settings.load())) as connection:
        return {"runs": Ledger(connection).runs(limit=int(limit))}, 200


def _one_run(request: flask.Request, run_id: str) -> Answer:
    _known(request)
    wanted = request.path.rstrip("/").removeprefix("/runs/")
    with closing(Connection(Settings.load())) as connection:
        runs = Ledger(connection).runs(limit=1, run_id=wanted)
    return (runs[0], 200) if runs else ({"error": "no such run in the ledger"}, 404)


def _healthz(request: flask.Request, run_id: str) -> Answer:
    _known(request)
    settings = Settings.load()
    return {"status": "ok", "version": __version__, "configuration": "complete", "dry_run": settings.dry_run}, 200


def _order(request: flask.Request, kind: Kind, settings: Settings) -> Order:
    since, until = _moment(request, "since", time.min), _moment(request, "until", time.max)
    if since is not None and until is not None and since > until:
        raise RequestError("since", "is after until")
    if since is not None and since > datetime.now(UTC):
        raise RequestError("since", "is in the future")
    return Order(
        kind=kind,
        since=since,
        until=until,
        users=_users(request),
        refetch=_flag(request, "refetch"),
        # The environment wins: where it says dry run, no request can write.
        dry_run=_flag(request, "dry-run") or settings.dry_run,
    )


def _known(request: flask.Request, *names: str) -> None:
    """A misspelled parameter must not pass: `?dryrun=true` would write."""
    for name, values in request.args.lists():
        if name not in names:
            raise RequestError(name, "no such parameter here" + (f"; there are {', '.join(names)}" if names else ""))
        if len(values) > 1:
            raise RequestError(name, "given more than once")


def _moment(request: flask.Request, name: str, of_day: time) -> datetime | None:
    """A date stands for its first moment as `since`, for its last as `until`; a time without a zone is UTC."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        if len(text) <= len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), of_day, UTC)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise RequestError(name, "an ISO date or timestamp, e.g. 2026-01-31 or 2026-01-31T12:00:00Z") from error


def _users(request: flask.Request) -> tuple[str, ...] | None:
    text = request.args.get("users")
    if text is None:
        return None
    users = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(USER_ID.fullmatch(user) for user in users):
        raise RequestError("users", "ids of Looker users, separated by commas, e.g. 1,2,3")
    return users


def _flag(request: flask.Request, name: str) -> bool:
    text = request.args.get(name, "false").lower()
    if text not in TRUE | FALSE:
        raise RequestError(name, "true or false")
    return text in TRUE


def _failure(error: SluiceError, run_id: str) -> dict[str, Any]:
    return {
        "state": "failed",
        "run_id": run_id,
        "step": error.step,
        "error": str(error),
        "hint": error.hint,
        "retryable": isinstance(error, Retryable),
    }


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
