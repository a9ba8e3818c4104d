"""The body of a request: read whole before anything is done, since the framework reads what is left of it afterwards.

A run takes its parameters from the query. Cloud Scheduler posts no body or a JSON one; neither means anything here.
"""

import json
import logging

import flask

from sluice.errors import BodyRefused, RequestError

MAX_BODY_BYTES = 1_000_000

log = logging.getLogger(__name__)


def receive(request: flask.Request) -> bytes:
    """Read the body to its end.

    Raises:
        BodyRefused: larger than MAX_BODY_BYTES (413), or not all there, or malformed chunks (400). What is left of it
            cannot be read: the answer must not wait for it.
    """
    # One more than allowed: a body of chunks is cut there, silently.
    request.max_content_length = MAX_BODY_BYTES + 1
    try:
        body = request.get_data()
    # The server decodes the chunks only now; what it raises differs by server: OSError, ParseException and others.
    except Exception as error:
        if getattr(error, "code", None) == 413:
            raise _too_large() from error
        log.warning("a body could not be read", extra={"event": "body_refused", "error": type(error).__name__})
        raise BodyRefused("must be what its headers say: as long, or in proper chunks") from error
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    if request.content_length is not None and len(body) != request.content_length:
        raise BodyRefused(f"must have the {request.content_length} bytes of Content-Length; there were {len(body)}")
    return body


def _too_large() -> BodyRefused:
    return BodyRefused(f"must be at most {MAX_BODY_BYTES} bytes", status=413)


def ignore(body: bytes, parameters: tuple[str, ...]) -> None:
    """Let a body pass that asks for nothing: none, or JSON.

    Raises:
        RequestError: it is not JSON (a form, say), or an object with one of the parameters: who sends
            `{"dry-run": true}` must not get a run that writes.
    """
    if not body.strip():
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError("body", "must be empty or JSON; parameters belong in the query of the address") from error
    for name in value if isinstance(value, dict) else ():
        if name.replace("_", "-").lower() in parameters:
            raise RequestError(name, "belongs in the query of the address, not in the body")
