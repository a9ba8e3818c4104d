"""How BigQuery is reached, and for how long it may stay away."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import google.auth
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from sluice.deadline import Deadline
from sluice.errors import WarehouseRefused
from sluice.settings import Settings
from sluice.warehouse.failures import judge, ours

SCOPE = "https://www.googleapis.com/auth/bigquery"
REQUEST_SECONDS = 60.0
READ_SECONDS = 60.0
"""How long BigQuery may stay away where there is no run: to answer from the ledger."""
QUERY_SECONDS = 30.0
"""How long the requests of one query are sent again before the query itself is: BigQuery tells the failure of a query
as an HTTP error, which looks like its own (googleapis/python-bigquery#1903)."""
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 20.0


class Patience(Retry):
    """Sends a request again for as long as the deadline allows, where that may help; then raises the last error.

    google-api-core's own gives up as soon as the next pause would pass its timeout, so at half of it on average.
    """

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(predicate=lambda error: judge(error).may_pass)
        self._until = deadline

    def __call__(self, func: Callable[..., Any], on_error: Callable[[Exception], Any] | None = None) -> Any:
        def patient(*args: Any, **kwargs: Any) -> Any:
            for pause in pauses():
                try:
                    return func(*args, **kwargs)
                except Exception as error:
                    if not judge(error).may_pass or self._until.expired:
                        raise
                time.sleep(min(pause, self._until.remaining))
            raise AssertionError("the pauses never end")

        return patient


def pauses() -> Iterator[float]:
    """Seconds to wait after each failure: exponential backoff with jitter, without end."""
    longest = FIRST_PAUSE_SECONDS
    while True:
        yield longest * random.uniform(0.5, 1.0)
        longest = min(MAX_PAUSE_SECONDS, 2 * longest)


class Connection:
    """The client, the session for uploads, and the names of one installation's dataset.

    Args:
        deadline: how long BigQuery may stay away, and how long its jobs are waited for; by default READ_SECONDS
            from each call

    Raises:
        WarehouseRefused, WarehouseUnavailable: there are no Google credentials.
    """

    def __init__(self, settings: Settings, deadline: Deadline | None = None) -> None:
        credentials = _credentials(settings)
        self._deadline = deadline
        self.project = settings.gcp_project_id
        self.location = settings.bq_location
        self.endpoint = settings.bq_endpoint
        self.dataset = f"{settings.gcp_project_id}.{settings.bq_dataset}"
        self.conversations = settings.bq_table
        self._kms_key = settings.bq_kms_key
        self.session = AuthorizedSession(credentials)
        self.client = bigquery.Client(
            project=self.project,
            credentials=credentials,
            location=self.location,
            client_options={"api_endpoint": settings.bq_endpoint},
        )

    @property
    def deadline(self) -> Deadline:
        """Of the run; without a run, of what begins now."""
        return self._deadline or Deadline(READ_SECONDS)

    @property
    def retry(self) -> Patience:
        return Patience(self.deadline)

    @property
    def timeout(self) -> float:
        """Of one request, in seconds."""
        return min(REQUEST_SECONDS, max(1.0, self.deadline.remaining))

    @contextlib.contextmanager
    def until(self, deadline: Deadline) -> Iterator[None]:
        """Another deadline while the context lasts: a part of the run's time, or the last words after its end."""
        before, self._deadline = self._deadline, deadline
        try:
            yield
        finally:
            self._deadline = before

    def table(self, name: str) -> str:
        """Full id of one of our tables, by its name in sql/tables."""
        return f"{self.dataset}.{self.conversations if name == 'conversations' else name}"

    @property
    def encryption(self) -> bigquery.EncryptionConfiguration | None:
        """Of what a job writes, where the installation has a key of its own."""
        return bigquery.EncryptionConfiguration(self._kms_key) if self._kms_key else None

    def close(self) -> None:
        self.client.close()
        self.session.close()


def _credentials(settings: Settings) -> Credentials:
    if settings.emulated:
        return AnonymousCredentials()
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except GoogleAuthError as error:
        if judge(error).may_pass:
            raise ours(error, "credentials") from error
        raise WarehouseRefused(
            "no Google credentials were found", hint="Run `gcloud auth application-default login`, or deploy."
        ) from error
    return credentials
