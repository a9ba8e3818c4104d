"""Requests with a body, over the server the function has in the cloud: what cannot be read starts no run."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from local.function import FunctionServer, in_own_process
from sluice.body import MAX_BODY_BYTES
from tests.e2e.test_requests import NOWHERE

CHUNKED = "Transfer-Encoding: chunked"


class Reply(NamedTuple):
    status: int
    kind: str | None
    text: bytes

    @property
    def body(self) -> Any:
        assert self.kind == "application/json"
        return json.loads(self.text)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bodies") / "log"


@pytest.fixture(scope="module")
def function(log: Path) -> Iterator[FunctionServer]:
    with in_own_process(NOWHERE, log) as server:
        yield server


def send(function: FunctionServer, method: str, path: str, headers: str = "", body: bytes = b"") -> Reply:
    """Exactly these bytes, and then no more."""
    address = urlsplit(function.url)
    head = f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{headers}{'\r\n' if headers else ''}\r\n"
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        reply = http.client.HTTPResponse(connection, method=method)
        reply.begin()
        return Reply(reply.status, reply.getheader("Content-Type"), reply.read())


def chunks(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (CHUNKED, b"zz\r\n"),
        (CHUNKED, b""),
        (CHUNKED, b"ff\r\nabc"),
        (CHUNKED, b"2\r\n{}\r\n"),
        (CHUNKED, b"2\r\n{}XX0\r\n\r\n"),
        (CHUNKED, b"2\r\n{}\r\n0\r\nno trailer"),
        ("Content-Length: 10", b"abc"),
        ("Content-Length: 10", b""),
    ],
)
@pytest.mark.parametrize("path", ["/daily", "/historical", "/healthz", "/nowhere"])
def test_a_body_that_is_not_all_there_is_refused(
    function: FunctionServer, log: Path, path: str, headers: str, body: bytes
) -> None:
    reply = send(function, "POST", path, headers, body)
    assert (reply.status, reply.body["step"]) == (400, "request")
    assert reply.body["error"].startswith("body: must ")
    assert b"run_summary" not in log.read_bytes()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 3 * MAX_BODY_BYTES])
def test_a_body_that_is_too_large_is_refused(function: FunctionServer, log: Path, size: int, chunked: bool) -> None:
    blanks = b" " * size
    if chunked:
        reply = send(function, "POST", "/daily", CHUNKED, chunks(blanks))
    else:
        reply = send(function, "POST", "/daily", f"Content-Length: {size}", blanks)
    assert (reply.status, reply.body["step"]) == (413, "request")
    assert str(MAX_BODY_BYTES) in reply.body["error"]
    assert b"run_summary" not in log.read_bytes()


def test_a_size_that_is_only_announced_is_not_waited_for(function: FunctionServer) -> None:
    assert send(function, "POST", "/daily", "Content-Length: 20000000000", b"abc").status == 413


@pytest.mark.parametrize("body", [b"", b"{}", b" \r\n", b"null", b'{"job": "nightly"}', b"[" + b"1," * 1000 + b"1]"])
def test_no_body_or_json_is_as_good_as_none(function: FunctionServer, body: bytes) -> None:
    # The query is malformed, so that no run starts: it is the query that is complained of.
    for headers, sent in ((f"Content-Length: {len(body)}", body), (CHUNKED, chunks(body) if body else b"0\r\n\r\n")):
        reply = send(function, "POST", "/daily?since=never", headers, sent)
        assert (reply.status, reply.body["error"].partition(":")[0]) == (400, "since")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"dry-run=true", "body"),
        (b"\xff\xfe", "body"),
        (b"[" * 100_000, "body"),
        (b"{'dry-run': true}", "body"),
        (b'{"dry-run": true}', "dry-run"),
        (b'{"dry_run": true}', "dry_run"),
        (b'{"users": "1,2"}', "users"),
    ],
)
def test_a_body_that_asks_for_something_is_told_where_it_belongs(
    function: FunctionServer, log: Path, body: bytes, named: str
) -> None:
    reply = send(function, "POST", "/daily", f"Content-Length: {len(body)}", body)
    assert (reply.status, reply.body["error"].partition(":")[0]) == (400, named)
    assert "query of the address" in reply.body["error"]
    assert b"run_summary" not in log.read_bytes()


@pytest.mark.parametrize("path", ["/robots.txt", "/favicon.ico"])
@pytest.mark.parametrize(("headers", "body"), [("", b""), (CHUNKED, b"zz\r\n")])
def test_paths_of_the_framework_are_answered_as_any_other(
    function: FunctionServer, path: str, headers: str, body: bytes
) -> None:
    reply = send(function, "POST" if body else "GET", path, headers, body)
    assert (reply.status, "POST /daily" in reply.body["error"]) == (404, True)


def test_a_websocket_is_refused_as_json(function: FunctionServer) -> None:
    reply = send(function, "GET", "/healthz", "Connection: Upgrade\r\nUpgrade: websocket")
    assert (reply.status, reply.body) == (400, {"error": "Bad Request"})


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/nowhere", 404), ("/daily", 405), ("/runs?limit=0", 400)]
)
def test_head_is_answered_without_a_body(function: FunctionServer, path: str, status: int) -> None:
    reply = send(function, "HEAD", path, "Connection: close")
    assert (reply.status, reply.kind, reply.text) == (status, "application/json", b"")
