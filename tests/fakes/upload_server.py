"""The upload endpoint behind HTTP, in a thread on 127.0.0.1."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.fakes.upload import Answer, Uploads

UPLOADS = "/upload/bigquery/v2/projects/"
API = "/bigquery/v2/projects/"

type Answering = Callable[[str, str, str, bytes], Answer]


@dataclass(frozen=True)
class UploadServer:
    """`url` is the base address of the API; `uploads` holds what came in."""

    url: str
    uploads: Uploads

    def session_url(self, project: str) -> str:
        """Where a resumable upload begins."""
        return f"{self.url}{UPLOADS}{project}/jobs?uploadType=resumable"


@contextlib.contextmanager
def upload_server(uploads: Uploads) -> Iterator[UploadServer]:
    with listening(uploads.answer, _target) as url:
        yield UploadServer(url, uploads)


@contextlib.contextmanager
def listening(answer: Answering, target: Callable[[str, str], str | None]) -> Iterator[str]:
    """The address of a server that answers what `target` finds in method and path; 404 where that is None."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer, target))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(answer: Answering, target_of: Callable[[str, str], str | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in two writes: Nagle's algorithm would hold the second back for 40 ms.
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content_range = self.headers.get("Content-Range", "")
            target = target_of(self.command, self.path)
            if target is None:
                return self.send(Answer(HTTPStatus.NOT_FOUND, {"error": {"code": 404, "message": self.path}}))
            return self.send(answer(self.command, target, content_range, body))

        do_POST = do_PUT = do_GET = do_DELETE = handle_any  # noqa: N815  # the names http.server looks for

        def send(self, answer: Answer) -> None:
            if not answer.status:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, self.location(value) if name == "Location" else value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) + 100 * answer.breaks_off))
            self.end_headers()
            self.wfile.write(body)
            if answer.breaks_off:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def location(self, session_id: str) -> str:
            return f"http://{self.headers['Host']}{self.path}&upload_id={session_id}"

        def log_message(self, format: str, *args: object) -> None:
            """Silent: a test reads `uploads.requests`."""

    return Handler


def _target(method: str, path: str) -> str | None:
    """What the address names: see `Uploads.answer`. None for an address that BigQuery's API does not have."""
    parts = urlsplit(path)
    query = parse_qs(parts.query)
    if method == "GET":
        names = parts.path.removeprefix(API).split("/")
        return names[2] if parts.path.startswith(API) and len(names) == 3 and names[1] == "jobs" else None
    names = parts.path.removeprefix(UPLOADS).split("/")
    if not parts.path.startswith(UPLOADS) or names[1:] != ["jobs"] or query.get("uploadType") != ["resumable"]:
        return None
    return names[0] if method == "POST" else query.get("upload_id", [""])[0]
