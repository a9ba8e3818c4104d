"""The wire: every request passes here on its way in and out, is delayed, struck by faults and journalled."""

import asyncio
import time
from urllib.parse import unquote

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.looker.answers import struck
from local.looker.faults import Fault, Faults
from local.looker.journal import Journal, Record
from local.looker.tokens import Tokens

# A raw control character and an unmatched brace: not JSON, whether they fall inside a string or between two.
BREAK = b'\x01"}{"'


class Answer:
    """Takes an answer instead of the client."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message.get("body", b"")


class Entry:
    """Passes an answer on to the client and writes it down before its end, so that who reads it finds the record."""

    def __init__(self, journal: Journal, scope: Scope, user: str | None, send: Send) -> None:
        self.begin = time.monotonic()
        self.journal = journal
        self.scope = scope
        self.user = user
        self.send = send
        self.status = 0
        self.size = 0
        self.written = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.size += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.write()
        await self.send(message)

    def write(self) -> None:
        """Add the record to the journal, once."""
        if self.written:
            return
        self.written = True
        path, query = unquote(self.scope["path"]), self.scope["query_string"].decode("latin-1")
        spent = time.monotonic() - self.begin
        self.journal.add(Record(self.scope["method"], path, query, self.user, self.status, spent, self.size))


class Wire:
    """ASGI middleware around the API."""

    def __init__(
        self, app: ASGIApp, *, tokens: Tokens, faults: Faults, journal: Journal, latency_seconds: float
    ) -> None:
        self.app = app
        self.tokens = tokens
        self.faults = faults
        self.journal = journal
        self.latency_seconds = latency_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The caller is looked up before the request is handled: a logout ends the token.
        entry = Entry(self.journal, scope, self.tokens.owner(bearer(scope)), send)
        try:
            await self._pass(scope, receive, entry)
        finally:
            entry.write()

    async def _pass(self, scope: Scope, receive: Receive, send: Entry) -> None:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        fault = self.faults.strike(scope["method"], scope["path"])
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind == "drop":
            send.write()
            await hang_up(scope, receive)
        elif fault.seconds is not None:
            await linger(scope, fault.seconds)
            await self.app(scope, receive, send)
        elif fault.kind in ("truncated", "short", "invalid-json"):
            await self._maim(fault, scope, receive, send)
        else:
            if fault.kind == "expire":
                self.tokens.revoke(bearer(scope))
            await struck(fault.kind, scope["method"], scope["path"], fault.retry_after)(scope, receive, send)

    async def _maim(self, fault: Fault, scope: Scope, receive: Receive, send: Entry) -> None:
        answer = Answer()
        await self.app(scope, receive, answer)
        half = len(answer.body) // 2
        if fault.kind == "short":
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            await send({"type": "http.response.body", "body": answer.body[:half], "more_body": True})
            send.write()
            await hang_up(scope, receive, gently=True)
            return
        tail = b"" if fault.kind == "truncated" else BREAK + answer.body[half:]
        maimed = Response(answer.body[:half] + tail, answer.status, media_type="application/json")
        await maimed(scope, receive, send)


def bearer(scope: Scope) -> str:
    """The token of a request, sent as `Bearer X` or `token X`; empty when there is none."""
    header: bytes = dict(scope["headers"]).get(b"authorization", b"")
    scheme, _, token = header.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


async def linger(scope: Scope, seconds: float) -> None:
    """Wait, but no longer than the client does: a request given up must not hold the server back when it stops."""
    transport: asyncio.Transport = scope["state"]["transport"]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not transport.is_closing():
        await asyncio.sleep(min(left, 0.05))


async def hang_up(scope: Scope, receive: Receive, *, gently: bool = False) -> None:
    """Close the connection under the request: at once, or `gently` once what was written has left."""
    transport: asyncio.Transport = scope["state"]["transport"]
    if gently:
        transport.close()
    else:
        transport.abort()
    # The server takes an application that ends without an answer for broken, unless it knows the client is gone.
    while (await receive())["type"] != "http.disconnect":
        pass
