"""Uploads to a strict endpoint, whatever goes wrong on the way."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.requests import AuthorizedSession

from sluice.deadline import Deadline
from sluice.errors import LoadFailed, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse.stream import LineStream
from sluice.warehouse.upload import MAX_PAUSE_SECONDS, Upload
from tests.fakes import upload as faults
from tests.fakes.upload import QUANTUM, Fault, Uploads
from tests.fakes.upload_server import UploadServer, upload_server

LINE = b'{"pad":"%s"}\n' % (b"x" * 999)
BODY = LINE * 900
LAST = len(BODY) // QUANTUM
"""The number of the PUT that carries the last bytes, where nothing goes wrong."""
RESOURCE: dict[str, Any] = {
    "jobReference": {"projectId": "p", "jobId": "job-1"},
    "configuration": {"load": {"destinationTable": {"projectId": "p", "datasetId": "d", "tableId": "t"}}},
}


@contextmanager
def serving(*planned: Fault) -> Iterator[UploadServer]:
    with upload_server(Uploads(planned)) as server:
        yield server


def upload(server: UploadServer, lines: Iterator[bytes], url: str = "", seconds: float = 60.0, **others: Any) -> Upload:
    session = AuthorizedSession(AnonymousCredentials())
    stream = LineStream(lines)
    return Upload(
        session,
        url or server.session_url("p"),
        RESOURCE,
        stream,
        chunk_bytes=QUANTUM,
        first_pause_seconds=0.01,
        deadline=Deadline(seconds),
        **{"max_chunk_bytes": QUANTUM} | others,
    )


def lines(body: bytes = BODY) -> Iterator[bytes]:
    return (body[start : start + len(LINE)] for start in range(0, len(body), len(LINE)))


@pytest.mark.parametrize("size", [1, QUANTUM - 1, QUANTUM, QUANTUM + 1, 2 * QUANTUM, len(BODY)])
def test_every_byte_arrives_once_and_becomes_one_job(size: int) -> None:
    with serving() as server:
        sent = upload(server, lines(BODY[:size]))
        sent.run()
        assert server.uploads.received == {"job-1": BODY[:size]}
        assert sent.bytes_sent == size
        assert max(server.uploads.chunk_sizes) <= QUANTUM
        assert server.uploads.open_sessions == 0


def test_a_line_longer_than_a_chunk_is_cut_by_the_chunks() -> None:
    body = b"y" * (3 * QUANTUM + 5)
    with serving() as server:
        upload(server, iter([body])).run()
        assert server.uploads.received == {"job-1": body}
        assert server.uploads.chunk_sizes == [QUANTUM] * 3 + [5]


@pytest.mark.parametrize("put", [None, 0, 1, LAST])
@pytest.mark.parametrize("make", [faults.unavailable, faults.dropped])
@pytest.mark.parametrize("stored", [False, True])
def test_a_failure_that_passes_loses_and_doubles_nothing(put: int | None, make: Any, stored: bool) -> None:
    with serving(make(put, stored=stored)) as server:
        upload(server, lines()).run()
        assert server.uploads.received == {"job-1": BODY}
        assert len(server.uploads.jobs) == 1


@pytest.mark.parametrize(
    "planned",
    [
        [faults.partly_stored(0, 0)],
        [faults.partly_stored(0, 1)],
        [faults.partly_stored(1, QUANTUM - 1)],
        [faults.partly_stored(0, 1000), faults.partly_stored(1, 1000), faults.partly_stored(2, 5)],
        [Fault(1, 503, 1000)],
        [Fault(LAST, None, 1000)],
        [faults.throttled(0, 0), faults.throttled(1, 0), faults.throttled(None, 0)],
        [
            faults.unavailable(None),
            faults.dropped(None),
            faults.unavailable(1),
            faults.dropped(2),
            faults.unavailable(3),
        ],
        # As many in a row as there may be, while there is time.
        [faults.unavailable(put) for put in range(9)],
        [Fault(1, 500), Fault(2, 502), Fault(3, 504), Fault(4, 408)],
        # More in all than would end it in a row.
        [faults.unavailable(put) for put in range(4 * 3) if put % 4 != 3],
    ],
)
def test_whatever_the_server_kept_the_rest_is_sent(planned: list[Fault]) -> None:
    with serving(*planned) as server:
        upload(server, lines()).run()
        assert server.uploads.received == {"job-1": BODY}
        assert not server.uploads._faults, "every fault was met"


def test_a_chunk_is_never_sent_again_before_the_server_was_asked() -> None:
    with serving(faults.dropped(1, stored=True)) as server:
        upload(server, lines()).run()
        puts = [request.content_range for request in server.uploads.requests if request.method == "PUT"]
        lost = next(n for n, r in enumerate(server.uploads.requests) if r.method == "PUT" and not r.status) - 1
        assert puts[lost + 1] == "bytes */*"
        assert server.uploads.received == {"job-1": BODY}
        assert sum(server.uploads.chunk_sizes) == len(BODY)


def test_a_lost_last_answer_is_no_failure() -> None:
    with serving(faults.answer_lost(LAST)) as server:
        upload(server, lines()).run()
        assert server.uploads.received == {"job-1": BODY}


@pytest.mark.parametrize("status", [404, 409, 410])
def test_an_upload_that_the_server_says_has_ended_is_no_failure(status: int) -> None:
    """The job was created, its answer lost, and the session is unknown or its job known already."""
    with serving(Fault(LAST, status, None, ends=True)) as server:
        upload(server, lines()).run()
        assert server.uploads.received == {"job-1": BODY}


@pytest.mark.parametrize("put", [None, 1])
@pytest.mark.parametrize("reason", ["rateLimitExceeded", "backendError"])
def test_a_reason_that_passes_is_waited_out_whatever_its_status(put: int | None, reason: str) -> None:
    with serving(Fault(put, 403, reason=reason)) as server:
        upload(server, lines()).run()
        assert server.uploads.received == {"job-1": BODY}
        assert not server.uploads._faults


@pytest.mark.parametrize(
    ("status", "reason", "hint"),
    [(403, "quotaExceeded", "quota"), (403, "billingNotEnabled", "billing"), (403, "accessDenied", "Data Editor")],
)
def test_a_refusal_has_the_hint_of_its_reason(status: int, reason: str, hint: str) -> None:
    with serving(Fault(None, status, reason=reason)) as server:
        with pytest.raises(WarehouseRefused, match=f"HTTP {status} {reason}") as caught:
            upload(server, lines()).run()
        assert hint in caught.value.hint


@pytest.mark.parametrize("put", [None, 0, 1, LAST])
@pytest.mark.parametrize("stored", [False, True])
def test_an_answer_that_breaks_off_inside_its_body_loses_and_doubles_nothing(put: int | None, stored: bool) -> None:
    with serving(faults.broken_off(put, stored=stored)) as server:
        upload(server, lines()).run()
        assert server.uploads.received == {"job-1": BODY}
        assert len(server.uploads.jobs) == 1


def test_a_token_that_cannot_be_had_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    flakes: list[Exception] = [
        TransportError("metadata"),
        RefreshError("busy", retryable=True),
        RefreshError(TransportError("metadata")),
    ]
    request = AuthorizedSession.request

    def flaky(self: AuthorizedSession, *arguments: Any, **options: Any) -> Any:
        if flakes and arguments[0] == "PUT":
            raise flakes.pop()
        return request(self, *arguments, **options)

    monkeypatch.setattr(AuthorizedSession, "request", flaky)
    with serving() as server:
        upload(server, lines()).run()
        assert (server.uploads.received, flakes) == ({"job-1": BODY}, [])


def test_chunks_grow_with_the_volume_and_are_bounded() -> None:
    told: list[int] = []
    with serving() as server:
        upload(server, lines(BODY * 6), max_chunk_bytes=4 * QUANTUM, sent=told.append).run()
        assert server.uploads.received == {"job-1": BODY * 6}
        sizes = server.uploads.chunk_sizes
    assert [size // QUANTUM for size in sizes[:4]] == [1, 2, 4, 4]
    assert max(sizes) == 4 * QUANTUM
    assert told == [sum(sizes[: number + 1]) for number in range(len(sizes))]


@pytest.mark.parametrize("status", [404, 410])
def test_a_session_that_is_lost_ends_without_a_job(status: int) -> None:
    """The caller asks for the job, and finds none."""
    with serving(faults.session_lost(1, status)) as server:
        upload(server, lines()).run()
        assert server.uploads.jobs == {}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.forbidden(None), WarehouseRefused),
        (faults.forbidden(1), WarehouseRefused),
        (Fault(None, 404), WarehouseRefused),
        (Fault(None, 400), LoadFailed),
        (Fault(1, 400), LoadFailed),
        (Fault(None, 409), LoadFailed),
    ],
)
def test_a_refusal_is_final_and_leaves_nothing(fault: Fault, error: type[Exception]) -> None:
    with serving(fault) as server:
        with pytest.raises(error, match=f"HTTP {fault.status}"):
            upload(server, lines()).run()
        assert server.uploads.jobs == {}
        assert server.uploads.open_sessions == 0
        assert len([request for request in server.uploads.requests if request.status == fault.status]) == 1


@pytest.mark.parametrize("planned", [[faults.unavailable(None)] * 50, [faults.unavailable(n) for n in range(1, 50)]])
def test_failures_that_go_on_end_it(planned: list[Fault]) -> None:
    with serving(*planned) as server:
        with pytest.raises(WarehouseUnavailable, match=r"\d times: HTTP 503") as caught:
            upload(server, lines(), seconds=0.5).run()
        assert caught.value.status == 503
        assert server.uploads.jobs == {}
        assert server.uploads.open_sessions == 0


def test_nobody_listens() -> None:
    with serving() as server, pytest.raises(WarehouseUnavailable, match="ConnectionError"):
        upload(server, lines(), url="http://127.0.0.1:9/upload", seconds=0.1).run()


@pytest.mark.parametrize("after", [0, 1, 300, 899])
def test_lines_that_fail_abandon_the_upload_and_make_no_job(after: int) -> None:
    def failing() -> Iterator[bytes]:
        for number, line in enumerate(lines()):
            if number == after:
                raise KeyError("the source failed")
            yield line

    with serving() as server:
        with pytest.raises(KeyError):
            upload(server, failing()).run()
        assert server.uploads.jobs == {}
        assert server.uploads.open_sessions == 0
        assert [request.method for request in server.uploads.requests][-1] == "DELETE"


def test_bytes_leave_while_lines_are_still_to_come() -> None:
    with serving() as server:
        seen: list[int] = []

        def slow() -> Iterator[bytes]:
            for line in lines():
                seen.append(sum(server.uploads.chunk_sizes))
                yield line

        upload(server, slow()).run()
        assert seen[0] == 0
        assert seen[-1] >= len(BODY) - 2 * QUANTUM


def test_waiting_as_long_as_the_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with serving(faults.throttled(0, 7), faults.throttled(1, 3600)) as server:
        upload(server, lines()).run()
    assert 3.5 <= pauses[0] <= 7
    assert pauses[1] <= MAX_PAUSE_SECONDS
