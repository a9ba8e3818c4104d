from contextlib import closing
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import RefreshError, TransportError

from sluice.errors import CommitFailed, LoadFailed, Retryable, WarehouseError, WarehouseRefused, WarehouseUnavailable
from sluice.warehouse.connection import Connection
from sluice.warehouse.failures import errors
from tests.unit.sluice.warehouse.tables import settings

QUOTING = "row 3: no such field: canary"


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
