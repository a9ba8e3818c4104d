"""BigQuery's jobs API, as far as a query job needs it, with what goes wrong written down beforehand.

jobs.insert, jobs.get: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs. A job is done when it is looked up
`polls` times; nothing is computed.
"""

import contextlib
import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tests.fakes.upload import Answer
from tests.fakes.upload_server import API, listening


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one request: `status` 0 drops the connection; with `done` it is carried out all the same."""

    status: int
    reason: str = ""
    message: str = "fault"
    done: bool = False
    breaks_off: bool = False

    def answer(self) -> Answer:
        problem = {"reason": self.reason, "message": self.message}
        errors = [problem] if self.reason else []
        body = {"error": {"code": self.status, "message": self.message, "errors": errors}}
        return Answer(self.status, body, breaks_off=self.breaks_off)


@dataclass
class Script:
    """The faults of each method in order, taken one by one; `ends` are why jobs fail, in order: a reason, or `reason: text`."""

    insert: Iterable[Trouble] = ()
    get: Iterable[Trouble] = ()
    ends: Iterable[str | None] = ()
    polls: int = 0


@dataclass
class JobsApi:
    """The state of the endpoint and its rules, without HTTP."""

    script: Script
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._faults = {"insert": deque(self.script.insert), "get": deque(self.script.get)}
        self._ends = deque(self.script.ends)
        self._polls: defaultdict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def answer(self, method: str, target: str, content_range: str, body: bytes) -> Answer:
        """`target` is a job id for GET, a project for POST."""
        with self._lock:
            kind = "insert" if method == "POST" else "get"
            self.asked.append(kind)
            trouble = self._faults[kind].popleft() if self._faults[kind] else None
            if trouble is not None and not trouble.done:
                return trouble.answer()
            answer = self._insert(json.loads(body)) if method == "POST" else self._get(target)
            return trouble.answer() if trouble is not None else answer

    def _insert(self, resource: dict[str, Any]) -> Answer:
        job_id = resource["jobReference"]["jobId"]
        if job_id in self.jobs:
            return Trouble(HTTPStatus.CONFLICT, "duplicate", "Already Exists").answer()
        status: dict[str, Any] = {"state": "RUNNING"}
        self.jobs[job_id] = {**resource, "id": job_id, "status": status, "statistics": {"query": {}}}
        return Answer(HTTPStatus.OK, self.jobs[job_id])

    def _get(self, job_id: str) -> Answer:
        if job_id not in self.jobs:
            return Trouble(HTTPStatus.NOT_FOUND, "notFound", "Not found: Job").answer()
        self._polls[job_id] += 1
        job = self.jobs[job_id]
        if job["status"]["state"] != "DONE" and self._polls[job_id] > self.script.polls:
            reason = self._ends.popleft() if self._ends else None
            reason, _, text = (reason or "").partition(": ")
            problem = {"reason": reason, "message": f"quotes a row: canary; {text}"}
            job["status"] = {"state": "DONE"} | ({"errorResult": problem, "errors": [problem]} if reason else {})
        return Answer(HTTPStatus.OK, job)


@contextlib.contextmanager
def jobs_server(script: Script) -> Iterator[tuple[str, JobsApi]]:
    """The API behind HTTP: its address, and what came in."""
    api = JobsApi(script)
    with listening(api.answer, _target) as url:
        yield url, api


def _target(method: str, path: str) -> str | None:
    names = path.partition("?")[0].removeprefix(API).split("/")
    if not path.startswith(API) or names[1:2] != ["jobs"] or len(names) != (2 if method == "POST" else 3):
        return None
    return names[0] if method == "POST" else names[2]
