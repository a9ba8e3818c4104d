"""What a failure of BigQuery means: try again, look up what became of the request, or give up with the right hint.

Three things tell it, in this order: BigQuery's `reason` (rateLimitExceeded and quotaExceeded are both HTTP 403), the
HTTP status, the type of the exception. Reasons: https://cloud.google.com/bigquery/docs/error-messages
"""

import contextlib
import http.client
from collections.abc import Collection, Iterable, Iterator
from enum import Enum

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError

from sluice.errors import WarehouseError, WarehouseRefused, WarehouseUnavailable

PASSING_REASONS = {
    "backendError",
    "badGateway",
    "blocked",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "rateLimitExceeded",
    "resourceInUse",
    "stopped",
    "tableUnavailable",
    "timeout",
    "userRateLimitExceeded",
}
UNKNOWN_STATUSES = {408, 500, 502, 503, 504}
"""The server may have done what it was asked to."""
REFUSED_STATUSES = {401, 403, 404}

_HINTS = {
    "accessNotConfigured": "Enable the BigQuery API in the project GCP_PROJECT_ID.",
    "billingNotEnabled": "Enable billing for the project GCP_PROJECT_ID: without it BigQuery takes no load and no DML.",
    "billingTierLimitExceeded": "Raise the project's limit on query cost, or remove it.",
    "notFound": "BigQuery found no such table, dataset or job in BQ_LOCATION. Check that BQ_LOCATION is the location "
    "of the dataset BQ_DATASET and that `pulumi up` created its tables.",
    "quotaExceeded": "A BigQuery quota of the project is used up. See IAM & Admin > Quotas for which one, raise it, or "
    "wait until it is renewed.",
    "resourcesExceeded": "The statement needs more than BigQuery gives one query. Look at the job in BigQuery.",
    "responseTooLarge": "The statement needs more than BigQuery gives one query. Look at the job in BigQuery.",
}
_PERIMETER_HINT = (
    "A VPC Service Controls perimeter forbids the request. Let the function's service account through it: an ingress "
    "rule for bigquery.googleapis.com, or the function inside the perimeter."
)
_PERIMETER = ("VPC Service Controls", "vpcServiceControls")
_CERTIFICATE_HINT = "The certificate of BQ_ENDPOINT was not accepted. Check BQ_ENDPOINT and proxies on the way to it."

# http.client's and urllib3's own errors come through where an answer breaks off inside its body.
BROKEN = (
    requests.RequestException,
    http.client.HTTPException,
    requests.exceptions.BaseHTTPError,  # type: ignore[attr-defined]  # urllib3's HTTPError
    ConnectionError,
    TimeoutError,
)
_MALFORMED_REQUEST = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
)


class Failure(Enum):
    """What to do after a failure."""

    PASSING = "passing"
    """Nothing was done; the same request may succeed later."""
    UNKNOWN = "unknown"
    """It may have been done: only a request that is harmless twice may be sent again, a job is looked up."""
    PERMANENT = "permanent"
    """Sending it again changes nothing."""

    @property
    def may_pass(self) -> bool:
        return self is not Failure.PERMANENT


def judge(error: BaseException) -> Failure:
    """What a failure means. A `RetryError` means what its cause means."""
    if isinstance(error, exceptions.RetryError):
        return judge(error.cause) if error.cause is not None else Failure.UNKNOWN
    if isinstance(error, exceptions.GoogleAPICallError):
        return judge_answer(int(error.code or 0), reasons(error.errors))
    if isinstance(error, GoogleAuthError):
        passing = isinstance(error, TransportError) or error.retryable or _token_out_of_reach(error)
        return Failure.PASSING if passing else Failure.PERMANENT
    if isinstance(error, _MALFORMED_REQUEST) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Failure.PERMANENT
    return Failure.UNKNOWN if isinstance(error, BROKEN) else Failure.PERMANENT


def judge_answer(status: int, given: Collection[str] = ()) -> Failure:
    """What an answer with that HTTP status and these reasons means; status 0 for the error of a job."""
    if PASSING_REASONS.intersection(given):
        return Failure.UNKNOWN if status in UNKNOWN_STATUSES else Failure.PASSING
    if _HINTS.keys() & set(given):
        return Failure.PERMANENT
    if status in UNKNOWN_STATUSES or status > 504:
        return Failure.UNKNOWN
    return Failure.PASSING if status == 429 else Failure.PERMANENT


def _token_out_of_reach(error: GoogleAuthError) -> bool:
    """A metadata server that does not answer is told as a refused refresh, caused by the failure of its request."""
    return isinstance(error, RefreshError) and any(
        isinstance(each, TransportError) for each in (error.__cause__, error.__context__, *error.args)
    )


def reasons(details: Iterable[object]) -> set[str]:
    """BigQuery's reasons, from the `errors` of an answer or of a job."""
    found = {str(detail.get("reason") or "") for detail in details if isinstance(detail, dict)}
    return found - {""}


def hint(given: Collection[str], text: str = "") -> str | None:
    """What to do about these reasons; None where the kind of error says it. `text` is looked at, never repeated."""
    if any(mark in text for mark in _PERIMETER):
        return _PERIMETER_HINT
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return _CERTIFICATE_HINT
    return next((_HINTS[reason] for reason in sorted(given) if reason in _HINTS), None)


@contextlib.contextmanager
def errors(step: str, refused: type[WarehouseError] = WarehouseRefused) -> Iterator[None]:
    """Turn what Google's clients raise into our errors; `refused` is for what trying again will not mend.

    Only the kind of an error is repeated: BigQuery's texts quote the data they stumbled over.
    """
    try:
        yield
    except (exceptions.GoogleAPIError, GoogleAuthError, *BROKEN) as error:
        raise ours(error, step, refused) from error


def ours(error: BaseException, step: str, refused: type[WarehouseError] = WarehouseRefused) -> WarehouseError:
    """Our error for one of Google's clients. Never with its text."""
    cause = error.cause if isinstance(error, exceptions.RetryError) and error.cause is not None else error
    given = reasons(getattr(cause, "errors", ()) or ())
    told = " ".join([type(cause).__name__, *sorted(given)])
    if judge(cause).may_pass:
        return WarehouseUnavailable(f"BigQuery: {told}", step=step)
    if isinstance(cause, GoogleAuthError):
        return WarehouseRefused(f"Google refused the credentials: {told}", step=step, hint=_CREDENTIALS_HINT)
    by_permission = isinstance(cause, exceptions.GoogleAPICallError) and cause.code in REFUSED_STATUSES
    kind = refused if not by_permission else WarehouseRefused
    if isinstance(cause, exceptions.NotFound):
        given = {*given, "notFound"}
    return kind(f"BigQuery: {told}", step=step, hint=hint(given, str(cause)))


_CREDENTIALS_HINT = "Check that the function's service account exists, is enabled, and may get tokens."
