"""Saved queries of System Activity: made, run at once, or run by a task whose status and results are asked for."""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from local.looker.answers import Refusal, json_answer
from local.looker.cast import Standing, User

if TYPE_CHECKING:
    from local.looker.app import Looker

# Query.limit of the spec: 500 rows unless said otherwise, -1 for all.
DEFAULT_ROWS = 500
MODEL = "system__activity"
RATINGS = ("THUMBS_UP", None, None, "THUMBS_DOWN", None)
EXPLORES = ("user", "history", "conversations_feedback")

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Task:
    id: str
    query_id: str
    limit: int | None
    complete_at: float

    @property
    def status(self) -> str:
        return "complete" if time.monotonic() >= self.complete_at else "running"


class Queries:
    """The queries of a Looker: the one of its users, and those made by `POST /queries`. `started` counts the runs."""

    def __init__(self, looker: "Looker") -> None:
        self.looker = looker
        self.options = looker.options
        self.started = 0
        self._made: dict[str, dict[str, Any]] = {}
        self._tasks: dict[str, _Task] = {}
        self._numbers = itertools.count(1)

    def routes(self, api: str, admin: Callable[[Request], None]) -> list[tuple[str, str, Callable[[Request], Any]]]:
        """Method, path and endpoint of each; `admin` refuses every other caller."""

        def checked(endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
            async def answer(request: Request) -> Response:
                admin(request)
                response: Response = await endpoint(request)
                return response

            return answer

        table = [
            ("POST", f"{api}/queries", checked(self.create)),
            ("GET", f"{api}/queries/{{query_id}}/run/{{result_format}}", checked(self.run)),
        ]
        if self.options.query_tasks:
            table += [
                ("POST", f"{api}/query_tasks", checked(self.start)),
                ("GET", f"{api}/query_tasks/{{task_id}}", checked(self.task)),
                ("GET", f"{api}/query_tasks/{{task_id}}/results", checked(self.results)),
            ]
        return table

    async def create(self, request: Request) -> Response:
        """A query like an existing one is that one: "no new query will be created" (spec of create_query)."""
        body = await _body(request)
        if body.get("model") != MODEL:
            raise Refusal(422, "model must exist", field="model")
        if body.get("view") not in EXPLORES:
            raise Refusal(422, "view must be an Explore of the model", field="view")
        text = msgspec.json.encode(body, order="deterministic")
        found = next((each for each in self._made.values() if each["text"] == text), None)
        if found is None:
            number = str(int(self.options.query_id) + len(self._made) + 1)
            slug = hashlib.sha256(text).hexdigest()[:22]
            found = self._made[number] = {"text": text, "answer": {**body, "can": {}, "id": number, "slug": slug}}
        names = [name.strip() for name in request.query_params.get("fields", "").split(",") if name.strip()]
        return json_answer({name: value for name, value in found["answer"].items() if not names or name in names})

    async def run(self, request: Request) -> Response:
        if request.path_params["result_format"] != "json":
            raise Refusal(422, "only json is simulated", field="result_format")
        limit = _row_limit(request)
        rows = self._rows(request.path_params["query_id"])
        self.started += 1
        await asyncio.sleep(self.options.query_seconds)
        if self.options.discovery_error is not None:
            return json_answer([{"looker_error": self.options.discovery_error}])
        return json_answer(rows if limit is None else rows[:limit])

    async def start(self, request: Request) -> Response:
        body = await _body(request)
        if body.get("result_format") != "json":
            raise Refusal(422, "only json is simulated", field="result_format")
        query_id, limit = str(body.get("query_id")), _row_limit(request)
        self._rows(query_id)
        self.started += 1
        task = _Task(f"{next(self._numbers):032x}", query_id, limit, time.monotonic() + self.options.query_seconds)
        self._tasks[task.id] = task
        return json_answer(self._shown(task))

    async def task(self, request: Request) -> Response:
        return json_answer(self._shown(self._task(request)))

    async def results(self, request: Request) -> Response:
        """202 while the query runs; the database's error, where there is one, as 400 (spec of query_task_results)."""
        task = self._task(request)
        if task.status != "complete":
            return json_answer(self._shown(task), 202)
        if self.options.discovery_error is not None:
            raise Refusal(400, self.options.discovery_error)
        return json_answer(self._rows(task.query_id)[: task.limit])

    def _task(self, request: Request) -> _Task:
        task = self._tasks.get(request.path_params["task_id"])
        if task is None:
            raise Refusal(404)
        return task

    def _shown(self, task: _Task) -> dict[str, Any]:
        return {"can": {}, "id": task.id, "query_id": task.query_id, "status": task.status, "result_format": "json"}

    def _rows(self, query_id: str) -> list[Row]:
        if query_id == self.options.query_id:
            return self._users()
        if query_id == self.options.feedback_query_id:
            return self._ratings()
        made = self._made.get(query_id)
        if made is None:
            raise Refusal(404)
        names = made["answer"].get("fields") or []
        return [{name: row.get(name) for name in names} for row in self._users()]

    def _ratings(self) -> list[Row]:
        """Of `conversations_feedback`: a row per answer, rated or not, each from a minute after its question."""
        return [
            {
                "conversation.id": each.id,
                "conversation_sa_telemetry.timestamp": f"{asked + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}",
                "conversation_sa_telemetry.rating": RATINGS[(each.number + turn) % len(RATINGS)],
                "user.id": each.user_id,
            }
            for user in self.looker.population.users
            for each in self.looker.population.conversations_of(user.key)
            for turn, asked in enumerate(each.asked)
        ]

    def _users(self) -> list[Row]:
        rows = [
            self._row(user)
            for user in self.looker.population.discoverable()
            if user.standing is Standing.ACTIVE or not self.options.discovery_active_only
        ]
        return rows * 2 if self.options.discovery_duplicates else rows

    def _row(self, user: User) -> Row:
        shown = user.key if self.options.discovery_text_ids else user.id
        row: Row = {self.options.discovery_field: shown, "user.email": user.email}
        if self.options.discovery_activity_field is not None:
            moments = [each.updated_at for each in self.looker.population.conversations_of(user.key)]
            # As System Activity writes times: in UTC or the query's time zone, without saying which.
            row[self.options.discovery_activity_field] = f"{max(moments):%Y-%m-%d %H:%M:%S}" if moments else None
        return row


async def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Refusal(400, "the body must be a JSON object") from error


def _row_limit(request: Request) -> int | None:
    text = request.query_params.get("limit", str(DEFAULT_ROWS))
    if text == "-1":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise Refusal(422, "limit must be a positive whole number, or -1 for all rows", field="limit")
    return int(text)
