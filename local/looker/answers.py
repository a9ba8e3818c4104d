"""What Looker answers when it says no: its JSON errors, and the pages of what stands before it."""

from typing import Any

import msgspec
from starlette.responses import Response

DOCUMENTATION = "https://cloud.google.com/looker/docs/r/err/4.0"
MESSAGES = {
    400: "Bad request",
    401: "Requires authentication.",
    403: "You are not allowed to do that.",
    404: "Not found",
    405: "Method not allowed",
    422: "Validation Failed",
    429: "Too many requests",
    500: "An error has occurred.",
}
BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
SIGN_IN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


class Refusal(Exception):
    """Ends a request with one of Looker's JSON errors; `field` names the parameter at fault, for a 422."""

    def __init__(self, status: int, message: str | None = None, field: str | None = None) -> None:
        super().__init__(message or MESSAGES[status])
        self.status = status
        self.field = field


def json_answer(value: Any, status: int = 200) -> Response:
    """`value` as JSON; it may hold `msgspec.Raw` parts."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def json_error(status: int, method: str, path: str, message: str | None = None, field: str | None = None) -> Response:
    """`{message, documentation_url}`, and `errors[]` when a field is at fault (ValidationError of the spec)."""
    url = f"{DOCUMENTATION}/{status}/{method.lower()}{path.removeprefix('/api/4.0')}"
    body: dict[str, Any] = {"message": message or MESSAGES.get(status, "Error"), "documentation_url": url}
    if field is not None:
        body["errors"] = [{"field": field, "code": "invalid", "message": body["message"], "documentation_url": url}]
    return json_answer(body, status)


def struck(kind: str, method: str, path: str, retry_after: str | int | None) -> Response:
    """The answer of a fault that needs nothing of the real one: a status, or "garbage" and "expire"."""
    if kind == "502":
        return Response(BAD_GATEWAY, 502, media_type="text/html")
    if kind == "garbage":
        return Response(SIGN_IN, 200, media_type="text/html")
    response = Response(b"", 503) if kind == "503" else json_error(401 if kind == "expire" else int(kind), method, path)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
