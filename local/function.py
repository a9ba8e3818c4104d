"""The function as it runs in the cloud, on this machine: the real functions-framework serving function/main.py."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import functions_framework
from werkzeug.serving import make_server

HOST = "127.0.0.1"
SOURCE = Path(__file__).resolve().parents[1] / "function" / "main.py"
TARGET = "handle"
START_SECONDS = 120.0


class Answer(NamedTuple):
    """Status and decoded JSON body."""

    status: int
    body: Any


class FunctionServer:
    """Where the function listens."""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.url = url
        self.process = process

    def kill(self) -> None:
        """End the process and its workers at once, as an instance in the cloud ends; without a process, do nothing."""
        if self.process is not None:
            # Killing the framework alone would leave its worker to finish the requests under way.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def request(self, method: str, path: str, *, timeout: float = 3600.0) -> Answer:
        """Send a request and wait for its answer. Raises OSError when the function goes away meanwhile."""
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 -- our own loopback address
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310 -- as above
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error))

    def post(self, path: str) -> Answer:
        return self.request("POST", path)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)


@contextmanager
def in_this_process(environ: Mapping[str, str], port: int = 0) -> Iterator[FunctionServer]:
    """Serve in a thread. The variables are set for as long as the context lasts: one at a time per process."""
    before = dict(os.environ)
    os.environ.update(environ)
    server = make_server(HOST, port, functions_framework.create_app(TARGET, str(SOURCE)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="function", daemon=True)
    thread.start()
    try:
        yield FunctionServer(f"http://{HOST}:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def in_own_process(environ: Mapping[str, str], log: Path) -> Iterator[FunctionServer]:
    """Serve in a process of its own, with its output in `log`; killed at the end if it still runs.

    Raises:
        RuntimeError: it did not start.
    """
    port = _free_port()
    # The framework's own command, so that a process holds what an instance in the cloud holds.
    command = [sys.executable, "-m", "functions_framework", "--target", TARGET, "--source", str(SOURCE)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and source
            [*command, "--host", HOST, "--port", str(port)],
            env={**os.environ, **environ},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = FunctionServer(f"http://{HOST}:{port}", process)
    try:
        _await_start(server, process)
        yield server
    finally:
        server.kill()


def _free_port() -> int:
    """A port outside the range the system gives away, so that no other server takes it before ours does."""
    for port in random.sample(range(20_000, 30_000), 100):
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise RuntimeError("no free port between 20000 and 30000")


def _await_start(server: FunctionServer, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            server.get("/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the function did not start; its log says why")
