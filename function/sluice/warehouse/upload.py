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
from google.auth.transport.requests import AuthorizedSession
from google.resumable_media import InvalidResponse
from google.resumable_media.common import RetryStrategy
from google.resumable_media.requests import ResumableUpload

from sluice.errors import LoadFailed, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse.stream import LineStream

CHUNK_BYTES = 1024 * 1024
"""A multiple of 256 KiB, as the protocol demands. The client's default of 100 MB would hold as much in memory.

So small that the upload begins early: this many bytes of rows are some 200 conversations.
"""
TIMEOUT_SECONDS = (10.0, 120.0)
MOST_FAILURES = 8
LONGEST_PAUSE_SECONDS = 30.0

COMPLETE = {200, 201}
GONE = {404, 409, 410, 499}
PASSING = {308, 408, 429, 500, 502, 503, 504}

log = logging.getLogger(__name__)


class _Ended(Exception):
    """The server says that the upload has ended, or no longer knows it. Only the job tells which."""


class _Upload(ResumableUpload):
    """Tries every request once: what follows a failure is our decision."""

    def __init__(self, url: str, chunk_bytes: int) -> None:
        super().__init__(url, chunk_bytes)  # type: ignore[no-untyped-call]  # untyped upstream
        self._retry_strategy = RetryStrategy(max_retries=0)


class Upload:
    """Sends `stream` to the upload endpoint `url`, with `job` as the resource of the load job to create."""

    def __init__(
        self,
        session: AuthorizedSession,
        url: str,
        job: dict[str, Any],
        stream: LineStream,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        first_pause_seconds: float = 1.0,
    ) -> None:
        self._session, self._job, self._stream = session, job, stream
        self._upload: Any = _Upload(url, chunk_bytes)
        self._first_pause_seconds = first_pause_seconds
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
        except _Ended:
            log.warning("the upload ended without an answer", extra={"event": "upload_ended", "sent": self.bytes_sent})
        except BaseException:
            self._abandon()
            raise

    def _initiate(self) -> None:
        self._upload.initiate(
            self._session,
            self._stream,
            self._job,
            "application/octet-stream",
            stream_final=False,
            timeout=TIMEOUT_SECONDS,
        )

    def _send(self) -> None:
        self._stream.seek(self.bytes_sent)
        self._upload.transmit_next_chunk(self._session, timeout=TIMEOUT_SECONDS)

    def _recover(self) -> None:
        self._upload.recover(self._session)

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Do one step; False where it failed in a way that may pass, after a pause."""
        try:
            step()
        except InvalidResponse as error:
            status = error.response.status_code
            if status in COMPLETE or (status in GONE and self._upload.resumable_url):
                raise _Ended from error
            if status not in PASSING:
                raise _refusal(status) from error
            self._pause(f"HTTP {status}", error.response.headers.get("Retry-After", ""))
            return False
        except (requests.ConnectionError, requests.Timeout) as error:
            self._pause(type(error).__name__)
            return False
        return True

    def _pause(self, what: str, retry_after: str = "") -> None:
        self._failures += 1
        if self._failures > MOST_FAILURES:
            raise WarehouseUnavailable(f"the upload to BigQuery failed {self._failures} times: {what}", step="load")
        pause = min(LONGEST_PAUSE_SECONDS, self._first_pause_seconds * 2 ** (self._failures - 1))
        if retry_after.isdecimal():
            pause = min(LONGEST_PAUSE_SECONDS, float(retry_after))
        log.warning("an upload request failed", extra={"event": "upload_retry", "error": what, "sent": self.bytes_sent})
        time.sleep(pause * random.uniform(0.5, 1.0))

    def _abandon(self) -> None:
        """Tell the server that nothing more will come. If it does not hear it, the upload expires by itself."""
        if self._upload.resumable_url:
            try:
                self._session.delete(self._upload.resumable_url, timeout=TIMEOUT_SECONDS)
            except requests.RequestException as error:
                log.warning(
                    "the upload was not cancelled", extra={"event": "upload_left", "error": type(error).__name__}
                )


def _refusal(status: int) -> Exception:
    if status in {401, 403, 404}:
        return WarehouseRefused(f"BigQuery refused the upload: HTTP {status}", step="load")
    return LoadFailed(f"BigQuery refused the upload: HTTP {status}")
