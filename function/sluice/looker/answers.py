"""What an answer, or none, means: whether it is whole, whether to ask again, and which error it is in the end."""

import re
from urllib.parse import urlsplit

from sluice.errors import (
    LookerError,
    LookerMalformed,
    LookerMisdirected,
    LookerRefused,
    LookerUnavailable,
    LookerUntrusted,
)
from sluice.looker.body import TooLarge, UnknownEncoding, Unreadable
from sluice.looker.connections import FAILURES, Answer, Failure
from sluice.looker.host import Unreachable
from sluice.looker.route import Untrusted

# A load balancer answers 502-504 for an instance that is restarting; 500 is the instance's own failure.
AWAY_STATUSES = {502, 503, 504}
RETRYABLE_STATUSES = {429, 500} | AWAY_STATUSES
PERMANENT = (Untrusted, TooLarge, UnknownEncoding)

BARRED_STATUSES = {401, 403, 407}

REDIRECT_HINT = (
    "LOOKER_BASE_URL must be the address of Looker's API itself, which does not redirect: "
    "the host's present name, https, and no sign-on in front of it."
)
PAGE_HINT = (
    "A page came where Looker's API answers with JSON: of a sign-on, a proxy or a load balancer. "
    "LOOKER_BASE_URL must be the address of the API itself, reachable without signing in."
)
BARRED_HINT = (
    "Something in front of Looker's API refused the request. An IP allow-list must hold the address "
    "the function's requests come from, and no sign-on or proxy may stand before LOOKER_BASE_URL."
)

MAX_RETRY_AFTER_SECONDS = 300.0
EDGE_BYTES = 256


def is_whole(answer: Answer | Failure) -> bool:
    """A success that holds neither the HTML page of something in between nor JSON that was cut short."""
    return isinstance(answer, Answer) and answer.status < 300 and not _is_page(answer) and not _is_cut(answer)


def may_pass(answer: Answer | Failure, *, once: bool) -> bool:
    """Whether asking again may help, and may be done: `once` where the request must not arrive twice."""
    if isinstance(answer, FAILURES):
        return not isinstance(answer, PERMANENT) and (not once or isinstance(answer, Unreachable))
    if once:  # only a rate limit tells for certain that nothing was begun
        return answer.status == 429
    return answer.status in RETRYABLE_STATUSES or (answer.status < 300 and not is_whole(answer))


def retry_after(answer: Answer | Failure) -> float | None:
    """Seconds asked for by a Retry-After header; its date form is rare enough to fall back to our own pause."""
    text = answer.retry_after if isinstance(answer, Answer) else ""
    return min(float(text), MAX_RETRY_AFTER_SECONDS) if text.isdecimal() else None


def error_of(call: str, answer: Answer | Failure) -> LookerError:
    """The error that an answer to `call`, after every retry, is."""
    if isinstance(answer, FAILURES):
        return _error_of_failure(call, answer)
    if answer.status < 300:
        if _is_page(answer):
            return LookerUnavailable(f"{call}: a page instead of JSON", hint=PAGE_HINT)
        return LookerUnavailable(f"{call}: an answer that is not JSON")
    if answer.status < 400:
        told = f"HTTP {answer.status}, a redirect to {_host(answer.location)}"
        return LookerMisdirected(f"{call}: {told}", hint=REDIRECT_HINT)
    if answer.status == 429 or answer.status in AWAY_STATUSES:
        return LookerUnavailable(f"{call}: HTTP {answer.status}")
    explained = _first(answer.data) == b"{"
    if answer.status < 500 and answer.data and not explained:
        hint = BARRED_HINT if answer.status in BARRED_STATUSES else None
        return LookerMisdirected(f"{call}: HTTP {answer.status} with a page that is not Looker's", hint=hint)
    return LookerRefused(f"{call}: HTTP {answer.status}", code=answer.status, explained=explained)


def _error_of_failure(call: str, failure: Failure) -> LookerError:
    if isinstance(failure, Untrusted):
        return LookerUntrusted(f"{call}: {failure}", hint=failure.hint)
    if isinstance(failure, Unreachable):
        return LookerUnavailable(f"{call}: {failure}", hint=failure.hint)
    if isinstance(failure, TooLarge | UnknownEncoding):
        return LookerMalformed(f"{call}: {failure}")
    # The text of others may quote the answer.
    return LookerUnavailable(f"{call}: {failure if isinstance(failure, Unreadable) else type(failure).__name__}")


def _host(location: str) -> str:
    """Only the host: the rest may hold a token."""
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return host if host and re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", host) else "another path"


def _is_page(answer: Answer) -> bool:
    return _first(answer.data) == b"<"


def _is_cut(answer: Answer) -> bool:
    end = {b"{": b"}", b"[": b"]"}.get(_first(answer.data))
    return end is not None and (answer.data[-EDGE_BYTES:].rstrip() or answer.data.rstrip())[-1:] != end


def _first(data: bytes) -> bytes:
    """The first byte that is no space; to strip the whole would copy it."""
    return (data[:EDGE_BYTES].lstrip() or data.lstrip())[:1]
