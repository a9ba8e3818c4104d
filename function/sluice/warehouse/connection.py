"""How BigQuery is reached, and how its errors become ours."""

import contextlib
from collections.abc import Iterator

import google.auth
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY

from sluice.errors import WarehouseError, WarehouseRefused, WarehouseUnavailable
from sluice.settings import Settings

SCOPE = "https://www.googleapis.com/auth/bigquery"
REQUEST_SECONDS = 60.0
RETRY = bigquery.DEFAULT_RETRY.with_timeout(30.0)
"""Of every request. The client's own would go on for ten minutes each before it says that BigQuery is away."""
JOB_RETRY = DEFAULT_JOB_RETRY.with_timeout(60.0)
"""Of a query that BigQuery gave up for want of resources."""


class Connection:
    """The client, the session for uploads, and the names of one installation's dataset.

    Raises:
        WarehouseRefused: there are no Google credentials.
    """

    def __init__(self, settings: Settings) -> None:
        credentials = _credentials(settings)
        self.project = settings.gcp_project_id
        self.location = settings.bq_location
        self.endpoint = settings.bq_endpoint
        self.dataset = f"{settings.gcp_project_id}.{settings.bq_dataset}"
        self.conversations = settings.bq_table
        self.kms_key = settings.bq_kms_key or None
        self.session = AuthorizedSession(credentials)
        self.client = bigquery.Client(
            project=self.project,
            credentials=credentials,
            location=self.location,
            client_options={"api_endpoint": settings.bq_endpoint},
        )

    def table(self, name: str) -> str:
        """Full id of one of our tables, by its name in sql/tables."""
        return f"{self.dataset}.{self.conversations if name == 'conversations' else name}"

    def close(self) -> None:
        self.client.close()
        self.session.close()


def _credentials(settings: Settings) -> Credentials:
    if settings.emulated:
        return AnonymousCredentials()
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except GoogleAuthError as error:
        raise WarehouseRefused(
            "no Google credentials were found", hint="Run `gcloud auth application-default login`, or deploy."
        ) from error
    return credentials


@contextlib.contextmanager
def errors(step: str, refused: type[WarehouseError] = WarehouseRefused) -> Iterator[None]:
    """Turn what Google's clients raise into our errors; `refused` is for what trying again will not mend.

    Only the kind of an error is repeated: BigQuery's texts quote the data they stumbled over.
    """
    try:
        yield
    except (exceptions.TooManyRequests, exceptions.ServerError, exceptions.RetryError) as error:
        raise WarehouseUnavailable(f"BigQuery: {_kind(error)}", step=step) from error
    except (requests.ConnectionError, requests.Timeout, TimeoutError, TransportError) as error:
        raise WarehouseUnavailable(f"BigQuery: {type(error).__name__}", step=step) from error
    except (exceptions.Forbidden, exceptions.Unauthorized, exceptions.NotFound) as error:
        raise WarehouseRefused(f"BigQuery: {_kind(error)}", step=step) from error
    except exceptions.GoogleAPICallError as error:
        raise refused(f"BigQuery: {_kind(error)}", step=step) from error
    except GoogleAuthError as error:
        raise WarehouseRefused(f"Google refused the credentials: {type(error).__name__}", step=step) from error


def _kind(error: exceptions.GoogleAPIError) -> str:
    reasons = {detail.get("reason", "") for detail in getattr(error, "errors", ()) if isinstance(detail, dict)}
    return " ".join([type(error).__name__, *sorted(reasons - {""})])
