"""One resumable upload into one load job, chunk by chunk, for as long as the lines keep coming.

google-resumable-media speaks the protocol; what to do after a failure is decided here. A chunk is never simply sent
again: the server is asked first how much it has (`recover`), and the stream goes back to that byte.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.resumable_media import InvalidResponse
from google.resumable_media.common import RetryStrategy
from google.resumable_media.requests import ResumableUpload

from sluice.deadline import Deadline
from sluice.errors import LoadFailed, WarehouseError, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse import failures
from sluice.warehouse.failures import BROKEN
from sluice.warehouse.stream import LineStream

CHUNK_BYTES = 1024 * 1024
"""Of the first chunk, so small that the upload begins early: this many bytes of rows are some 200 conversations.

A multiple of 256 KiB, as the protocol demands. The client's default of 100 MB would hold as much in memory.
"""
MAX_CHUNK_BYTES = 8 * 1024 * 1024
"""Each chunk is twice as large as the one before, up to this: a server takes its time for each, whatever its size."""
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 120.0
MAX_PAUSE_SECONDS = 30.0
ABANDON_SECONDS = 10.0

COMPLETE = {200, 201}
GONE = {404, 409, 410, 499}

log = logging.getLogger(__name__)


class _Ended(Exception):
    """The server says that the upload has ended, or no longer knows it. Only the job tells which."""


class _Upload(ResumableUpload):
    """Tries every request once: what follows a failure is our decision. Its chunks grow."""

    def __init__(self, url: str, chunk_bytes: int) -> None:
        super().__init__(url, chunk_bytes)  # type: ignore[no-untyped-call]  # untyped upstream
        self._retry_strategy = RetryStrategy(max_retries=0)

    def grow(self, most: int) -> None:
        self._chunk_size = min(2 * self._chunk_size, max(most, self._chunk_size))


class Upload:
    """Sends `stream` to the upload endpoint `url`, with `job` as the resource of the load job to create.

    Args:
        deadline: how long requests that fail are tried again; without one, for ever
        sent: told after each chunk how many bytes were sent so far
    """

    def __init__(
        self,
        session: AuthorizedSession,
        url: str,
        job: dict[str, Any],
        stream: LineStream,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        max_chunk_bytes: int = MAX_CHUNK_BYTES,
        first_pause_seconds: float = 1.0,
        deadline: Deadline | None = None,
        sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._session, self._job, self._stream = session, job, stream
        self._url, self._chunk_bytes = url, chunk_bytes
        self._upload: Any = _Upload(url, chunk_bytes)
        self._max_chunk_bytes = max_chunk_bytes
        self._first_pause_seconds = first_pause_seconds
        self._deadline, self._sent = deadline or Deadline(), sent
        self._failures = 0

    @property
    def bytes_sent(self) -> int:
        return int(self._upload.bytes_uploaded)

    def run(self) -> None:
        """Send everything. Whether the job was created, the job itself tells: the last answer may have been lost.

        Raises:
            WarehouseRefused, LoadFailed, WarehouseUnavailable: BigQuery did not take the upload.
            Whatever the stream raises: the upload is abandoned, and there is no job.
        """
        try:
            while self._upload.resumable_url is None:
                self._attempt(self._initiate)
            lost = False
            while not self._upload.finished:
                before = self.bytes_sent
                lost = not self._attempt(self._recover if lost else self._send)
                if self.bytes_sent > before:
                    self._failures = 0
                    self._sent(self.bytes_sent)
        except _Ended:
            log.warning("the upload ended without an answer", extra={"event": "upload_ended", "sent": self.bytes_sent})
        except BaseException:
            self._abandon()
            raise

    def _initiate(self) -> None:
        # One that was refused would count as invalid, even after it was begun.
        self._upload = _Upload(self._url, self._chunk_bytes)
        self._upload.initiate(
            self._session,
            self._stream,
            self._job,
            "application/octet-stream",
            stream_final=False,
            timeout=self._timeout,
        )

    def _send(self) -> None:
        self._stream.seek(self.bytes_sent)
        self._upload.transmit_next_chunk(self._session, timeout=self._timeout)
        self._upload.grow(self._max_chunk_bytes)

    def _recover(self) -> None:
        self._upload.recover(self._session)

    @property
    def _timeout(self) -> tuple[float, float]:
        return CONNECT_SECONDS, max(1.0, min(ANSWER_SECONDS, self._deadline.remaining))

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Do one step; False where it failed in a way that may pass, after a pause."""
        try:
            step()
        except InvalidResponse as error:
            self._answered(error)
            return False
        except (*BROKEN, GoogleAuthError) as error:
            if not failures.judge(error).may_pass:
                raise failures.ours(error, "load") from error
            self._pause(type(error).__name__)
            return False
        return True

    def _answered(self, error: InvalidResponse) -> None:
        """What an answer means that is not the expected one; returns where the step may be repeated."""
        response = error.response
        status, given = response.status_code, _reasons(response)
        # A resumed upload whose Range is shorter than what was sent is answered 308, which is no failure.
        if status == 308 or failures.judge_answer(status, given).may_pass:
            return self._pause(" ".join([f"HTTP {status}", *sorted(given)]), response.headers.get("Retry-After", ""))
        if status in COMPLETE or (status in GONE and self._upload.resumable_url):
            raise _Ended from error
        raise _refusal(status, given, response.text) from error

    def _pause(self, what: str, retry_after: str = "") -> None:
        self._failures += 1
        if self._deadline.expired:
            raise WarehouseUnavailable(f"the upload to BigQuery failed {self._failures} times: {what}", step="load")
        pause = min(MAX_PAUSE_SECONDS, self._first_pause_seconds * 2 ** min(self._failures - 1, 10))
        if retry_after.isdecimal():
            pause = min(MAX_PAUSE_SECONDS, float(retry_after))
        log.warning("an upload request failed", extra={"event": "upload_retry", "error": what, "sent": self.bytes_sent})
        time.sleep(min(pause * random.uniform(0.5, 1.0), self._deadline.remaining))

    def _abandon(self) -> None:
        """Tell the server that nothing more will come. If it does not hear it, the upload expires by itself."""
        if self._upload.resumable_url:
            try:
                self._session.delete(self._upload.resumable_url, timeout=ABANDON_SECONDS)
            except (*BROKEN, GoogleAuthError) as error:
                log.warning(
                    "the upload was not cancelled", extra={"event": "upload_left", "error": type(error).__name__}
                )


def _reasons(response: requests.Response) -> set[str]:
    try:
        return failures.reasons(response.json()["error"]["errors"])
    except (ValueError, LookupError, TypeError):
        return set()


def _refusal(status: int, given: set[str], text: str) -> WarehouseError:
    told = " ".join([f"BigQuery refused the upload: HTTP {status}", *sorted(given)])
    kind = WarehouseRefused if status in failures.REFUSED_STATUSES else LoadFailed
    return kind(told, step="load", hint=failures.hint(given, text))
