"""BigQuery's resumable upload endpoint, kept to the letter, with faults on demand.

The protocol: https://cloud.google.com/bigquery/docs/reference/api-uploads and, for ranges and probes,
https://cloud.google.com/storage/docs/performing-resumable-uploads. Rows are counted, not stored in a table.
"""

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
QUANTUM = 256 * 1024
"""Every chunk but the last is a multiple of this many bytes."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request, once.

    Attributes:
        put: Which PUT that carries data, from 0, those sent again counted too; None for the POST that opens a session.
        status: The answer, or None when the connection is dropped without one.
        stored: How many bytes of the chunk are stored all the same; None for all.
        ends: The session is unknown afterwards.
        retry_after: Seconds of the Retry-After header.
        reason: BigQuery's reason in the answer; by default the name of the status.
        breaks_off: The answer ends inside its body.
    """

    put: int | None
    status: int | None
    stored: int | None = 0
    ends: bool = False
    retry_after: int | None = None
    reason: str = ""
    breaks_off: bool = False


def unavailable(put: int | None, *, stored: bool = False) -> Fault:
    return Fault(put, HTTPStatus.SERVICE_UNAVAILABLE, None if stored else 0)


def dropped(put: int | None, *, stored: bool = False) -> Fault:
    return Fault(put, None, None if stored else 0)


def partly_stored(put: int, size: int) -> Fault:
    """308 with a Range that ends `size` bytes into the chunk."""
    return Fault(put, HTTPStatus.PERMANENT_REDIRECT, size)


def answer_lost(put: int) -> Fault:
    """The chunk (the last one) is stored and its job created, then the connection drops and the session is gone."""
    return Fault(put, None, None, ends=True)


def broken_off(put: int | None, *, stored: bool = False) -> Fault:
    return Fault(put, HTTPStatus.OK, None if stored else 0, breaks_off=True)


def session_lost(put: int, status: int = HTTPStatus.NOT_FOUND) -> Fault:
    return Fault(put, status, ends=True)


def throttled(put: int | None, retry_after: int = 1) -> Fault:
    return Fault(put, HTTPStatus.TOO_MANY_REQUESTS, retry_after=retry_after)


def forbidden(put: int | None) -> Fault:
    return Fault(put, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True)
class Request:
    """One request as it came in: `size` in bytes of its body, `at` on `time.monotonic()`; `status` 0 is a drop."""

    method: str
    content_range: str
    size: int
    status: int
    at: float


@dataclass(frozen=True)
class Answer:
    """Status 0 drops the connection."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    breaks_off: bool = False


class Refused(Exception):
    """A request that the protocol does not allow."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(
            status,
            {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}},
        )


@dataclass
class Session:
    """One upload: the job to create, the bytes that are stored, and the job once they all are."""

    project: str
    resource: dict[str, Any]
    data: bytearray = field(default_factory=bytearray)
    job: dict[str, Any] | None = None

    def progress(self) -> Answer:
        if self.job is not None:
            return Answer(HTTPStatus.OK, self.job)
        stored = {"Range": f"bytes=0-{len(self.data) - 1}"} if self.data else {}
        return Answer(HTTPStatus.PERMANENT_REDIRECT, headers=stored)


class Uploads:
    """The state of the endpoint and its rules, without HTTP. Safe to use from several threads."""

    def __init__(self, faults: tuple[Fault, ...] = (), job_error: str | None = None) -> None:
        """With `job_error` every job ends DONE with that message as its error, reason `invalid`, and no rows."""
        self.requests: list[Request] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.received: dict[str, bytes] = {}
        self.first_byte_at: float | None = None
        self._faults = list(faults)
        self._job_error = job_error
        self._sessions: dict[str, Session] = {}
        self._puts = 0
        self._lock = threading.Lock()

    @property
    def chunk_sizes(self) -> list[int]:
        """Bytes of every PUT that carried data, in order, those sent again too."""
        return [request.size for request in self.requests if request.method == "PUT" and request.size]

    @property
    def open_sessions(self) -> int:
        with self._lock:
            return sum(session.job is None for session in self._sessions.values())

    def answer(self, method: str, target: str, content_range: str, body: bytes) -> Answer:
        """`target` is a job id for GET, a session id for PUT and DELETE, a project for POST."""
        with self._lock:
            try:
                answer = self._dispatch(method, target, content_range, body)
            except Refused as refusal:
                answer = refusal.answer
            self.requests.append(Request(method, content_range, len(body), answer.status, time.monotonic()))
            return answer

    def _dispatch(self, method: str, target: str, content_range: str, body: bytes) -> Answer:
        if method == "POST":
            return self._open(target, body)
        if method == "GET":
            return Answer(HTTPStatus.OK, self._known(self.jobs, target, "Job"))
        session = self._known(self._sessions, target, "Upload")
        if method == "DELETE":
            del self._sessions[target]
            return Answer(499)
        return self._put(target, session, content_range, body)

    def _known(self, things: dict[str, Any], key: str, kind: str) -> Any:
        if key not in things:
            raise Refused(HTTPStatus.NOT_FOUND, "notFound", f"Not found: {kind} {key}")
        return things[key]

    def _open(self, project: str, body: bytes) -> Answer:
        if fault := self._fault(None):
            return _failed(fault)
        try:
            resource = json.loads(body)
            resource["configuration"]["load"]["destinationTable"]
        except (ValueError, TypeError, KeyError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "invalid", f"not a load job: {error!r}") from error
        reference = resource.setdefault("jobReference", {})
        if reference.setdefault("jobId", uuid.uuid4().hex) in self.jobs:
            raise Refused(HTTPStatus.CONFLICT, "duplicate", f"Already Exists: Job {reference['jobId']}")
        session_id = uuid.uuid4().hex
        self._sessions[session_id] = Session(project, resource)
        return Answer(HTTPStatus.OK, headers={"Location": session_id})

    def _put(self, session_id: str, session: Session, content_range: str, body: bytes) -> Answer:
        start, total = _parse(content_range, body)
        if session.job is not None:
            return session.progress()
        if start is None:
            return self._finish(session) if total == len(session.data) else session.progress()
        if start > len(session.data):
            raise Refused(HTTPStatus.BAD_REQUEST, "invalid", f"gap: {len(session.data)} bytes stored, {start} sent")
        if self.first_byte_at is None:
            self.first_byte_at = time.monotonic()
        fault = self._fault(self._puts)
        self._puts += 1
        kept = body if fault is None or fault.stored is None else body[: fault.stored]
        session.data += kept[len(session.data) - start :]
        if total == len(session.data):
            self._finish(session)
        if fault is None:
            return session.progress()
        if fault.ends:
            del self._sessions[session_id]
        return session.progress() if fault.status == HTTPStatus.PERMANENT_REDIRECT else _failed(fault)

    def _finish(self, session: Session) -> Answer:
        session.job = _job(session, self._job_error)
        job_id = session.job["jobReference"]["jobId"]
        self.jobs[job_id] = session.job
        self.received[job_id] = bytes(session.data)
        return session.progress()

    def _fault(self, put: int | None) -> Fault | None:
        found = next((fault for fault in self._faults if fault.put == put), None)
        if found is not None:
            self._faults.remove(found)
        return found


def _parse(content_range: str, body: bytes) -> tuple[int | None, int | None]:
    """(first byte, total) of a Content-Range, None where it says `*`."""
    match = RANGE.fullmatch(content_range)
    if match is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid", f"Content-Range {content_range!r} is not understood")
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        size, start = 0, None
    else:
        size, start = int(match[2]) - int(match[1]) + 1, int(match[1])
        if total is not None and int(match[2]) >= total:
            raise Refused(HTTPStatus.BAD_REQUEST, "invalid", f"{content_range} ends after its total")
    if size != len(body):
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid", f"{content_range} came with {len(body)} bytes")
    last = start is None or (total is not None and start + size == total)
    if not last and size % QUANTUM:
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid", f"a chunk of {size} bytes is no multiple of {QUANTUM}")
    return start, total


def _failed(fault: Fault) -> Answer:
    if fault.status is None:
        return Answer(0)
    reason = fault.reason or HTTPStatus(fault.status).name.lower()
    refused = Refused(fault.status, reason, f"fault: {HTTPStatus(fault.status).phrase}")
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Answer(fault.status, refused.answer.body, headers, fault.breaks_off)


def _job(session: Session, error: str | None) -> dict[str, Any]:
    reference = {"location": "US"} | session.resource["jobReference"] | {"projectId": session.project}
    status: dict[str, Any] = {"state": "DONE"}
    if error is not None:
        problem = {"reason": "invalid", "message": error}
        status |= {"errorResult": problem, "errors": [problem]}
    rows = 0 if error is not None else sum(1 for line in bytes(session.data).split(b"\n") if line.strip())
    load = {"inputFiles": "1", "inputFileBytes": str(len(session.data)), "outputRows": str(rows)}
    return {
        "kind": "bigquery#job",
        "id": f"{session.project}:{reference['location']}.{reference['jobId']}",
        "jobReference": reference,
        "configuration": session.resource["configuration"],
        "status": status,
        "statistics": {"load": load},
    }
