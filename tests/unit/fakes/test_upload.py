"""The upload endpoint, driven by Google's own client of the protocol and, where that one is too polite, by hand."""

import contextlib
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.resumable_media import InvalidResponse
from google.resumable_media.common import RetryStrategy
from google.resumable_media.requests import ResumableUpload

from tests.fakes import upload
from tests.fakes.upload import QUANTUM, Fault, Uploads
from tests.fakes.upload_server import UploadServer, upload_server

ROWS = 3000
BODY = b"".join(b'{"n": %d, "pad": "%s"}\n' % (number, b"x" * 200) for number in range(ROWS))
CHUNKS = [QUANTUM, QUANTUM, len(BODY) - 2 * QUANTUM]
RESOURCE: Any = {
    "jobReference": {"projectId": "p", "jobId": "job-1"},
    "configuration": {"load": {"destinationTable": {"projectId": "p", "datasetId": "d", "tableId": "t"}}},
}


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@contextlib.contextmanager
def serving(*faults: Fault, job_error: str | None = None) -> Iterator[UploadServer]:
    with upload_server(Uploads(faults, job_error)) as server:
        yield server


def begin(server: UploadServer, http: requests.Session, body: bytes = BODY, total: int | None = None) -> Any:
    transfer = ResumableUpload(server.session_url("p"), QUANTUM)
    transfer._retry_strategy = RetryStrategy(max_sleep=0.05, initial_delay=0.01, max_retries=4)
    transfer.initiate(http, io.BytesIO(body), RESOURCE, "*/*", total_bytes=total, stream_final=False)
    return transfer


def send(server: UploadServer, http: requests.Session, body: bytes = BODY, total: int | None = None) -> Any:
    """The last answer of a whole upload."""
    transfer = begin(server, http, body, total)
    answer = None
    while not transfer.finished:
        answer = transfer.transmit_next_chunk(http)
    return answer


def put(http: requests.Session, url: str, content_range: str, body: bytes = b"") -> requests.Response:
    return http.put(url, data=body, headers={"Content-Range": content_range}, allow_redirects=False)


def job(server: UploadServer, http: requests.Session, job_id: str = "job-1") -> requests.Response:
    return http.get(f"{server.url}/bigquery/v2/projects/p/jobs/{job_id}")


@pytest.mark.parametrize("total", [None, len(BODY)])
def test_an_upload_becomes_a_job_with_exactly_its_bytes(http: requests.Session, total: int | None) -> None:
    with serving() as server:
        before = time.monotonic()
        answer = send(server, http, total=total)
        assert answer.status_code == 200
        assert answer.json()["status"] == {"state": "DONE"}
        assert answer.json()["statistics"]["load"]["outputRows"] == str(ROWS)
        assert job(server, http).json() == answer.json()
        assert server.uploads.received == {"job-1": BODY}
        assert server.uploads.chunk_sizes == CHUNKS
        assert before < (server.uploads.first_byte_at or 0) < time.monotonic()
        assert [request.status for request in server.uploads.requests] == [200, 308, 308, 200, 200]


@pytest.mark.parametrize("body", [b"", BODY[:QUANTUM], BODY[: 2 * QUANTUM]])
def test_a_body_that_ends_with_its_chunk_is_whole(http: requests.Session, body: bytes) -> None:
    with serving() as server:
        assert send(server, http, body).status_code == 200
        assert server.uploads.received["job-1"] == body


def test_the_client_of_bigquery_accepts_the_endpoint() -> None:
    with serving() as server:
        client = bigquery.Client("p", AnonymousCredentials(), client_options={"api_endpoint": server.url})
        load = client.load_table_from_file(io.BytesIO(BODY), "p.d.t", job_id="job-9")
        load.result()
        assert load.output_rows == ROWS
        assert client.get_job("job-9").state == "DONE"
        with pytest.raises(NotFound):
            client.get_job("job-10")
        client.close()


@pytest.mark.parametrize(
    "fault",
    [
        upload.unavailable(1),
        upload.unavailable(1, stored=True),
        upload.unavailable(2),
        upload.dropped(1),
        upload.dropped(1, stored=True),
        upload.throttled(1, retry_after=0),
    ],
)
def test_a_chunk_sent_again_is_stored_once(http: requests.Session, fault: Fault) -> None:
    with serving(fault) as server:
        assert send(server, http).status_code == 200
        assert server.uploads.received == {"job-1": BODY}
        assert len(server.uploads.chunk_sizes) == len(CHUNKS) + 1
        assert (fault.status or 0) in [request.status for request in server.uploads.requests]


@pytest.mark.parametrize("fault", [upload.unavailable(None), upload.throttled(None), upload.dropped(None)])
def test_the_opening_of_a_session_can_be_repeated(http: requests.Session, fault: Fault) -> None:
    with serving(fault) as server:
        assert send(server, http).status_code == 200
        assert [request.status for request in server.uploads.requests][:2] == [fault.status or 0, 200]


def test_throttling_says_how_long_to_wait(http: requests.Session) -> None:
    with serving(upload.throttled(None, retry_after=7)) as server:
        answer = http.post(server.session_url("p"), json=RESOURCE)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_shorter_range_leaves_the_rest_to_be_sent_again(http: requests.Session) -> None:
    with serving(upload.partly_stored(0, 1000)) as server:
        transfer = begin(server, http)
        answer = transfer.transmit_next_chunk(http)
        assert answer.headers["Range"] == "bytes=0-999"
        with pytest.raises(ValueError, match="unexpected state"):
            transfer.transmit_next_chunk(http)
        last = put(http, transfer.resumable_url, f"bytes 1000-{len(BODY) - 1}/{len(BODY)}", BODY[1000:])
        assert last.status_code == 200
        assert server.uploads.received == {"job-1": BODY}


def test_a_lost_answer_hides_a_job_that_exists(http: requests.Session) -> None:
    with serving(upload.answer_lost(2)) as server:
        transfer = begin(server, http)
        transfer.transmit_next_chunk(http)
        transfer.transmit_next_chunk(http)
        with pytest.raises(InvalidResponse) as caught:
            transfer.transmit_next_chunk(http)
        assert caught.value.response.status_code == 404
        assert put(http, transfer.resumable_url, "bytes */*").status_code == 404
        assert job(server, http).json()["status"] == {"state": "DONE"}
        assert server.uploads.received == {"job-1": BODY}


@pytest.mark.parametrize(
    ("fault", "status"),
    [(upload.session_lost(1), 404), (upload.session_lost(1, 410), 410), (upload.forbidden(1), 403)],
)
def test_a_final_refusal_leaves_no_job(http: requests.Session, fault: Fault, status: int) -> None:
    with serving(fault) as server:
        with pytest.raises(InvalidResponse) as caught:
            send(server, http)
        assert caught.value.response.status_code == status
        assert caught.value.response.json()["error"]["code"] == status
        assert job(server, http).status_code == 404
        assert server.uploads.open_sessions == (0 if fault.ends else 1)


def test_a_forbidden_project_opens_no_session(http: requests.Session) -> None:
    with serving(upload.forbidden(None)) as server:
        with pytest.raises(InvalidResponse):
            begin(server, http)
        assert server.uploads.open_sessions == 0


def test_a_job_may_end_with_an_error(http: requests.Session) -> None:
    with serving(job_error="row 3: no such field: zzz") as server:
        status = send(server, http).json()["status"]
        assert status["state"] == "DONE"
        assert status["errorResult"] == {"reason": "invalid", "message": "row 3: no such field: zzz"}
        assert job(server, http).json()["statistics"]["load"]["outputRows"] == "0"


def test_a_probe_tells_what_is_stored_and_then_the_job(http: requests.Session) -> None:
    with serving() as server:
        transfer = begin(server, http)
        url = transfer.resumable_url
        assert "Range" not in put(http, url, "bytes */*").headers
        transfer.transmit_next_chunk(http)
        for probe in ("bytes */*", f"bytes */{len(BODY)}"):
            answer = put(http, url, probe)
            assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
        while not transfer.finished:
            transfer.transmit_next_chunk(http)
        assert put(http, url, "bytes */*").json()["jobReference"]["jobId"] == "job-1"


def test_an_abandoned_session_makes_no_job(http: requests.Session) -> None:
    with serving() as server:
        transfer = begin(server, http)
        transfer.transmit_next_chunk(http)
        assert http.delete(transfer.resumable_url).status_code == 499
        assert put(http, transfer.resumable_url, "bytes */*").status_code == 404
        assert (job(server, http).status_code, server.uploads.open_sessions) == (404, 0)


def test_bytes_already_stored_are_ignored(http: requests.Session) -> None:
    with serving() as server:
        transfer = begin(server, http)
        transfer.transmit_next_chunk(http)
        answer = put(http, transfer.resumable_url, f"bytes 0-{QUANTUM - 1}/*", b"!" * QUANTUM)
        assert answer.headers["Range"] == f"bytes=0-{QUANTUM - 1}"
        answer = put(http, transfer.resumable_url, f"bytes 0-{len(BODY) - 1}/{len(BODY)}", BODY)
        assert answer.status_code == 200
        assert server.uploads.received == {"job-1": BODY}


@pytest.mark.parametrize(
    ("content_range", "size", "why"),
    [
        (f"bytes {QUANTUM}-{2 * QUANTUM - 1}/*", QUANTUM, "gap"),
        ("bytes 0-99/*", 100, "multiple"),
        ("bytes 0-99/500", 100, "multiple"),
        ("bytes 0-99/100", 99, "came with 99 bytes"),
        ("bytes 0-99/50", 100, "ends after its total"),
        ("bytes */100", 1, "came with 1 bytes"),
        ("", 10, "not understood"),
        ("bytes a-b/c", 10, "not understood"),
    ],
)
def test_what_the_protocol_forbids_is_refused(http: requests.Session, content_range: str, size: int, why: str) -> None:
    with serving() as server:
        transfer = begin(server, http)
        answer = put(http, transfer.resumable_url, content_range, b"x" * size)
        assert answer.status_code == 400
        assert why in answer.json()["error"]["message"]
        assert "Range" not in put(http, transfer.resumable_url, "bytes */*").headers


def test_a_job_id_serves_once(http: requests.Session) -> None:
    with serving() as server:
        send(server, http)
        assert http.post(server.session_url("p"), json=RESOURCE).status_code == 409


@pytest.mark.parametrize("body", [b"", b"[]", b'{"configuration": {"query": {}}}'])
def test_only_a_load_job_opens_a_session(http: requests.Session, body: bytes) -> None:
    with serving() as server:
        assert http.post(server.session_url("p"), data=body).status_code == 400


def test_other_addresses_are_unknown(http: requests.Session) -> None:
    with serving() as server:
        assert http.get(f"{server.url}/bigquery/v2/projects/p/datasets/d").status_code == 404
        assert http.post(f"{server.url}/upload/bigquery/v2/projects/p/jobs?uploadType=media").status_code == 404
