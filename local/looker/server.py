"""Serves a simulated Looker on the loopback interface, over real sockets."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.listen import HOST, listen
from local.looker.app import Looker, Options, application
from local.looker.population import Population

START_SECONDS = 10.0


class Certificate(NamedTuple):
    """PEM files with which to serve https."""

    certificate: Path
    key: Path


class Protocol(H11Protocol):
    """Hands the connection to the application as `scope["state"]["transport"]`, so that a fault can close it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(cast(asyncio.Transport, transport))


@contextmanager
def serve(population: Population, *, port: int = 0, ssl: Certificate | None = None, **options: Any) -> Iterator[Looker]:
    """Serve `population` in a thread for as long as the context lasts; `options` are the fields of `app.Options`.

    The Looker it gives has `url`, `client_id`, `client_secret`, `query_id`, `population`, `faults`, `requests` (the
    journal), `open_tokens` and `peak_open_tokens`. Port 0 takes any free one. Raises OSError when the port is taken,
    TypeError for an unknown option, RuntimeError when the server does not start.
    """
    looker = Looker(population, Options(**options))
    server = uvicorn.Server(_config(looker, ssl))
    with listen(port) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), name="simulated-looker", daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            looker.url = f"{'https' if ssl else 'http'}://{HOST}:{listener.getsockname()[1]}"
            yield looker
        finally:
            server.should_exit = True
            thread.join()


def _config(looker: Looker, ssl: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        application(looker),
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        ssl_certfile=ssl and ssl.certificate,
        ssl_keyfile=ssl and ssl.key,
    )


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise RuntimeError("the simulated Looker did not start; its error stands in the log above")
        time.sleep(0.005)
