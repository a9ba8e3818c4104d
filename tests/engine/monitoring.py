"""Cloud Monitoring's lists over the stand-in for Google: the only calls of Google's own API that `make adopt` makes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.engine.google import Google
from tests.engine.kinds import COLLECTIONS

PAGE = 3


def _item(kind: str, id: str, inputs: dict[str, object]) -> dict[str, object]:
    shown = json.loads(str(inputs["dashboardJson"])) if kind == "dashboard" else inputs
    return {"name": id, **{key: shown[key] for key in ("displayName", "userLabels") if key in shown}}


@contextmanager
def serving(google: Google) -> Iterator[str]:
    """Address of an API that lists alert policies, channels and dashboards, some at a time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            collection = parts.path.rsplit("/", 1)[-1]
            kind = next(kind for kind, name in COLLECTIONS.items() if name == collection)
            things = google.of(f"monitoring/{kind}:{kind[0].upper()}{kind[1:]}")
            items = [_item(kind, id, thing.inputs) for id, thing in sorted(things.items())]
            first = int(parse_qs(parts.query).get("pageToken", ["0"])[0])
            page: dict[str, object] = {collection: items[first : first + PAGE]}
            if first + PAGE < len(items):
                page["nextPageToken"] = str(first + PAGE)
            body = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
