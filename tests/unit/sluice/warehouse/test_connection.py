import http.client
from contextlib import closing
from typing import Any

import pytest
import requests
import urllib3
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import RefreshError, TransportError

from sluice.errors import CommitFailed, LoadFailed, Retryable, WarehouseError, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse.connection import Connection
from sluice.warehouse.failures import errors
from tests.unit.sluice.warehouse.tables import settings

QUOTING = "row 3: no such field: canary"


def because(status: int, reason: str, message: str = QUOTING) -> exceptions.GoogleAPICallError:
    error: exceptions.GoogleAPICallError = exceptions.from_http_status(
        status, message, errors=[{"reason": reason}] if reason else []
    )
    return error


@pytest.mark.parametrize(
    ("raised", "ours", "refused"),
    [
        (exceptions.TooManyRequests(QUOTING), WarehouseUnavailable, LoadFailed),
        (exceptions.ServiceUnavailable(QUOTING), WarehouseUnavailable, LoadFailed),
        (exceptions.InternalServerError(QUOTING), WarehouseUnavailable, LoadFailed),
        (exceptions.RetryError(QUOTING, cause=None), WarehouseUnavailable, LoadFailed),
        (requests.ConnectionError(QUOTING), WarehouseUnavailable, LoadFailed),
        (requests.ReadTimeout(QUOTING), WarehouseUnavailable, LoadFailed),
        (TimeoutError(QUOTING), WarehouseUnavailable, LoadFailed),
        (TransportError(QUOTING), WarehouseUnavailable, LoadFailed),
        (requests.exceptions.ChunkedEncodingError(QUOTING), WarehouseUnavailable, LoadFailed),
        (requests.exceptions.ContentDecodingError(QUOTING), WarehouseUnavailable, LoadFailed),
        (requests.exceptions.JSONDecodeError(QUOTING, "", 0), WarehouseUnavailable, LoadFailed),
        (http.client.IncompleteRead(b"canary"), WarehouseUnavailable, LoadFailed),
        (urllib3.exceptions.ProtocolError(QUOTING), WarehouseUnavailable, LoadFailed),
        (exceptions.RetryError("m", cause=exceptions.Forbidden(QUOTING)), WarehouseRefused, LoadFailed),
        (RefreshError(QUOTING, retryable=True), WarehouseUnavailable, LoadFailed),
        (RefreshError(TransportError(QUOTING)), WarehouseUnavailable, LoadFailed),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED canary"), LoadFailed, LoadFailed),
        (requests.exceptions.SSLError(QUOTING), WarehouseUnavailable, LoadFailed),
        (because(403, "rateLimitExceeded"), WarehouseUnavailable, CommitFailed),
        (because(400, "backendError"), WarehouseUnavailable, CommitFailed),
        (because(400, "jobInternalError"), WarehouseUnavailable, CommitFailed),
        (because(429, "quotaExceeded"), CommitFailed, CommitFailed),
        (because(403, "quotaExceeded"), WarehouseRefused, CommitFailed),
        (because(408, ""), WarehouseUnavailable, CommitFailed),
        (exceptions.Forbidden(QUOTING), WarehouseRefused, LoadFailed),
        (exceptions.Unauthorized(QUOTING), WarehouseRefused, CommitFailed),
        (exceptions.NotFound(QUOTING), WarehouseRefused, CommitFailed),
        (exceptions.BadRequest(QUOTING), CommitFailed, CommitFailed),
        (exceptions.Conflict(QUOTING), LoadFailed, LoadFailed),
        (RefreshError(QUOTING), WarehouseRefused, LoadFailed),
    ],
)
def test_errors_of_google_become_ours_without_their_texts(
    raised: Exception, ours: type[WarehouseError], refused: type[WarehouseError]
) -> None:
    with pytest.raises(ours) as caught, errors("the step", refused):
        raise raised
    assert type(caught.value) is ours
    assert caught.value.step == "the step"
    assert caught.value.__cause__ is raised
    assert "canary" not in str(caught.value)
    assert caught.value.status == (503 if isinstance(caught.value, Retryable) else 500)


def test_the_reasons_are_told() -> None:
    detail: list[Any] = [{"reason": "quotaExceeded", "message": QUOTING}, {"reason": "backendError"}, "text"]
    with (
        pytest.raises(WarehouseUnavailable, match=r"^BigQuery: TooManyRequests backendError quotaExceeded$"),
        errors("x"),
    ):
        raise exceptions.TooManyRequests("m", errors=detail)


@pytest.mark.parametrize(
    ("raised", "hint"),
    [
        (because(403, "accessDenied"), "Data Editor"),
        (because(403, "quotaExceeded"), "quota"),
        (because(403, "billingNotEnabled"), "billing"),
        (because(403, "accessNotConfigured"), "Enable the BigQuery API"),
        (
            because(403, "accessDenied", "VPC Service Controls: Request is prohibited by organization's policy"),
            "perimeter",
        ),
        (because(404, "notFound"), "BQ_LOCATION"),
        (exceptions.NotFound(QUOTING), "BQ_LOCATION"),
        (RefreshError(QUOTING), "service account exists"),
        (exceptions.ServiceUnavailable(QUOTING), "next run"),
    ],
)
def test_the_hint_says_what_helps(raised: Exception, hint: str) -> None:
    with pytest.raises(WarehouseError) as caught, errors("x"):
        raise raised
    assert hint in caught.value.hint
    assert ("Data Editor" in caught.value.hint) is (hint == "Data Editor")


def test_errors_of_ours_pass_as_they_are() -> None:
    error = LoadFailed("ours")
    with pytest.raises(LoadFailed) as caught, errors("x"):
        raise error
    assert caught.value is error
    with pytest.raises(KeyError), errors("x"):
        raise KeyError("a fault of the code")


def test_the_tables_have_their_names() -> None:
    with closing(Connection(settings("http://127.0.0.1:9", bq_dataset="d", bq_table="talks"))) as connection:
        assert connection.table("conversations") == "p.d.talks"
        assert connection.table("sync_users") == "p.d.sync_users"
        assert isinstance(connection.client._credentials, AnonymousCredentials)


def test_without_credentials_the_hint_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(WarehouseRefused, match="no Google credentials") as caught:
        Connection(settings("https://bigquery.googleapis.com"))
    assert "gcloud auth" in caught.value.hint
