"""As much of BigQuery's REST API as a run uses; counts the bytes and rows that come in, and keeps none.

`python -m bench.warehouse LOAD` prints its address and serves until its standard input ends. Every user is at
WATERMARK, and no version of any conversation is held. GET /figures tells what came in.
"""

import json
import re
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.load import WATERMARK, Load
from sluice.warehouse.definitions import schema

type Json = dict[str, Any]

TABLES = re.compile(r"/bigquery/v2/projects/[^/]+/datasets/[^/]+/tables")
TABLE = re.compile(r"/bigquery/v2/projects/[^/]+/datasets/[^/]+/tables/(\w+)")
JOB = re.compile(r"/bigquery/v2/projects/[^/]+/jobs/([\w-]+)")
RESULTS = re.compile(r"/bigquery/v2/projects/[^/]+/queries/([\w-]+)")
RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+|\*)")
QUERY_FIELDS = {"user_id": "STRING", "watermark": "TIMESTAMP", "owed_since": "TIMESTAMP"}
VERSION_FIELDS = {"id": "STRING", "updated_at": "TIMESTAMP", "deleted": "BOOLEAN"}


class Warehouse:
    """What came in: uploads by session, jobs by id."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.bytes = 0
        self.rows = 0
        self.first_byte_at: float | None = None
        self._lock = threading.Lock()
        self._sessions: dict[str, tuple[Json, int]] = {}
        self._jobs: dict[str, Json] = {}

    def figures(self) -> Json:
        return {"bytes": self.bytes, "rows": self.rows, "first_byte_at": self.first_byte_at}

    def take(self, data: bytes) -> None:
        """Count a piece of newline-delimited JSON; a row may end in a later piece."""
        with self._lock:
            if data and self.first_byte_at is None:
                self.first_byte_at = time.monotonic()
            self.bytes += len(data)
            self.rows += data.count(b"\n")

    def open(self, resource: Json) -> str:
        session = uuid.uuid4().hex
        self._sessions[session] = (resource, 0)
        return session

    def put(self, session: str, content_range: str, data: bytes) -> tuple[int, Json, dict[str, str]]:
        """Status, body and headers for one chunk."""
        resource, size = self._sessions[session]
        self.take(data)
        size += len(data)
        self._sessions[session] = (resource, size)
        match = RANGE.fullmatch(content_range)
        if match is None or match[1] == "*" or int(match[1]) > size:
            return 308, {}, {"Range": f"bytes=0-{size - 1}"} if size else {}
        if not data.endswith(b"\n"):
            self.rows += 1
        return 200, self.job(resource), {}

    def job(self, resource: Json) -> Json:
        """The job of a resource: done at once."""
        reference = {"location": "US", "jobId": uuid.uuid4().hex} | resource.get("jobReference", {})
        query = "query" in resource["configuration"]
        job = {
            "kind": "bigquery#job",
            "jobReference": reference,
            "configuration": resource["configuration"],
            "status": {"state": "DONE"},
            "statistics": {"query": {"statementType": "SCRIPT"}} if query else {"load": {"outputRows": str(self.rows)}},
        }
        self._jobs[reference["jobId"]] = job
        return job

    def known_job(self, job_id: str) -> Json:
        return self._jobs[job_id]

    def query(self, sql: str) -> Json:
        """Rows of one of the statements of a run."""
        if "sync_users`" in sql and "UNION ALL" in sql:
            reached = str(int(WATERMARK.timestamp() * 1_000_000))
            rows = [[str(user), reached, None] for user in self.load.user_ids]
            return _rows(QUERY_FIELDS, [*rows, [None, reached, None]])
        return _rows(VERSION_FIELDS, [])


def _rows(fields: dict[str, str], rows: list[list[str | None]]) -> Json:
    return {
        "kind": "bigquery#queryResponse",
        "schema": {"fields": [{"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in fields.items()]},
        "jobReference": {"projectId": "bench", "jobId": uuid.uuid4().hex, "location": "US"},
        "totalRows": str(len(rows)),
        "rows": [{"f": [{"v": value} for value in row]} for row in rows],
        "jobComplete": True,
    }


def _table(name: str) -> Json:
    table = {"conversations", "rejects", "sync_runs", "sync_users"} & {name}
    fields = [field.to_api_repr() for field in schema(name)] if table else []
    reference = {"projectId": "bench", "datasetId": "looker_agents", "tableId": name}
    return {"kind": "bigquery#table", "tableReference": reference, "schema": {"fields": fields}, "type": "TABLE"}


class Server(ThreadingHTTPServer):
    """A warehouse on a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.warehouse = warehouse


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for the warehouse of its server."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes: Nagle's algorithm would hold the second back for 40 ms.
    disable_nagle_algorithm = True

    @property
    def warehouse(self) -> Warehouse:
        assert isinstance(self.server, Server)
        return self.server.warehouse

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/figures":
            self.answer(200, self.warehouse.figures())
        elif TABLES.fullmatch(path):
            self.answer(200, {"kind": "bigquery#tableList", "totalItems": 0})
        elif match := TABLE.fullmatch(path):
            self.answer(200, _table(match[1]))
        elif match := JOB.fullmatch(path):
            self.answer(200, self.warehouse.known_job(match[1]))
        elif RESULTS.fullmatch(path):
            self.answer(200, _rows(VERSION_FIELDS, []))
        else:
            self.answer(404, {"error": {"code": 404, "message": path}})

    def do_POST(self) -> None:
        url, body = urlsplit(self.path), self.body()
        kind = parse_qs(url.query).get("uploadType", [""])[0]
        if kind == "resumable":
            self.answer(200, {}, {"Location": self.session(self.warehouse.open(json.loads(body)))})
        elif kind == "multipart":
            self.answer(200, self.multipart(body))
        elif url.path.endswith("/queries"):
            self.answer(200, self.warehouse.query(json.loads(body)["query"]))
        elif url.path.endswith("/jobs"):
            self.answer(200, self.warehouse.job(json.loads(body)))
        else:
            self.answer(200, json.loads(body))

    def do_PUT(self) -> None:
        session = parse_qs(urlsplit(self.path).query)["upload_id"][0]
        time.sleep(self.warehouse.load.put_latency)
        status, job, headers = self.warehouse.put(session, self.headers["Content-Range"], self.body())
        self.answer(status, job, headers)

    def do_DELETE(self) -> None:
        self.answer(204, None)

    def multipart(self, body: bytes) -> Json:
        """A small load in one request: the resource and the rows, each in a part."""
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip("\"'").encode()
        _, resource, rows, _ = body.split(b"--" + boundary)
        data = rows.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        self.warehouse.take(data if data.endswith(b"\n") else data + b"\n")
        return self.warehouse.job(json.loads(resource.partition(b"\r\n\r\n")[2]))

    def session(self, name: str) -> str:
        return f"http://{self.headers['Host']}{urlsplit(self.path).path}?uploadType=resumable&upload_id={name}"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: Json | None, headers: dict[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the figures say what came in."""


def main() -> None:
    server = Server(Warehouse(Load(**json.loads(sys.argv[1]))))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
