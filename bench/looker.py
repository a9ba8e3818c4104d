"""A Looker for load: bare asyncio over TLS, bodies serialised beforehand, every answer after the same latency.

`python -m bench.looker LOAD CERTIFICATE KEY BODIES` prints its address and serves until its standard input ends. It
checks little; the simulated Looker of local/ is the strict one. GET /figures tells what it did since its first request.
"""

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, unquote

from bench.bodies import Body, read
from bench.load import Load, conversation_id, parse_id

MEGABYTE = bytes(1_000_000)
LIST = "search"


class Api:
    """The answers, and what was asked."""

    def __init__(self, load: Load, bodies: tuple[Body, ...]) -> None:
        self.load = load
        self.bodies = bodies
        self.requests: Counter[str] = Counter()
        self.body_bytes = 0
        self.fetched_at: list[float] = []
        self._cpu_before: float | None = None
        rows = [{"user.id": user, "user.last_active": load.active_at(user)} for user in load.user_ids]
        self._discovery = json.dumps(rows).encode()

    def answer(self, method: str, path: str, query: str, user: str) -> tuple[int, list[bytes]]:
        """Status and pieces of the body; `user` is whose token came with the request."""
        if self._cpu_before is None:
            self._cpu_before = time.process_time()
        kind, name = _endpoint(method, path)
        self.requests[kind] += 1
        if kind == "login":
            return 200, [b'{"access_token":"%s","token_type":"Bearer","expires_in":3600}' % (name or "admin").encode()]
        if kind == "logout":
            return 204, []
        if kind == "discovery":
            return 200, [self._discovery]
        if kind == "list":
            return 200, [self._page(int(user), query)]
        if kind == "fetch":
            return 200, self._conversation(unquote(name))
        return 404, [b'{"message":"Not found"}']

    def _page(self, user: int, query: str) -> bytes:
        given = parse_qs(query)
        if given.get("deleted") == ["true"]:
            return b"[]"
        begin, limit = int(given.get("offset", ["0"])[0]), int(given["limit"][0])
        items = [
            {
                "id": conversation_id(user, position),
                "updated_at": self.load.updated_at(user, position),
                "deleted": False,
            }
            for position in range(begin, min(begin + limit, self.load.owned(user)))
        ]
        return json.dumps(items, separators=(",", ":")).encode()

    def _conversation(self, name: str) -> list[bytes]:
        user, position = parse_id(name)
        body = self.bodies[(7 * user + position) % len(self.bodies)]
        pieces = [body.head(name, str(user), self.load.updated_at(user, position)), body.tail]
        self.body_bytes += sum(map(len, pieces))
        self.fetched_at.append(time.monotonic())
        return pieces

    def figures(self) -> bytes:
        """Requests by kind, bytes of conversations, CPU seconds of this process, and when each was sent."""
        cpu = time.process_time() - self._cpu_before if self._cpu_before is not None else 0.0
        return json.dumps(
            {
                "requests": dict(self.requests),
                "body_bytes": self.body_bytes,
                "cpu": cpu,
                "fetched_at": self.fetched_at,
            }
        ).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection; a client waits for an answer before it asks again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        line, *fields = self._received[:end].decode("latin-1").split("\r\n")
        headers = dict(field.lower().split(": ", 1) for field in fields)
        size = end + 4 + int(headers.get("content-length", "0"))
        if len(self._received) < size:
            return
        del self._received[:size]
        method, target, _ = line.split(" ")
        self._handle(method, *target.partition("?")[::2], headers.get("authorization", "").rpartition(" ")[2])

    def _handle(self, method: str, path: str, query: str, user: str) -> None:
        if path == "/figures":
            self._send(200, [self._api.figures()])
        elif path == "/megabyte":
            self._send(200, [MEGABYTE])
        else:
            asyncio.get_running_loop().call_later(
                self._api.load.latency, self._send, *self._api.answer(method, path, query, user)
            )

    def _send(self, status: int, pieces: list[bytes]) -> None:
        size = sum(map(len, pieces))
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, size)
        self._transport.writelines([head, *pieces])


def _endpoint(method: str, path: str) -> tuple[str, str]:
    """Kind of the request, and the name at the end of its path."""
    names = path.removeprefix("/api/4.0/").split("/")
    if method == "POST" and names[0] == "login":
        return "login", names[1] if len(names) > 1 else ""
    if method == "DELETE":
        return "logout", ""
    if names[0] == "queries":
        return "discovery", ""
    if names[0] == "conversations":
        return ("list", "") if names[1] == LIST else ("fetch", names[1])
    return "unknown", ""


async def _serve(load: Load, certificate: str, key: str, bodies: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    api, loop = Api(load, read(Path(bodies))), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0, ssl=context, backlog=1024)
    sys.stdout.write(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    load, *files = sys.argv[1:]
    asyncio.run(_serve(Load(**json.loads(load)), *files))


if __name__ == "__main__":
    main()
