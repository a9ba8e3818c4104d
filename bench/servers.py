"""Looker and BigQuery for load, each in a process of its own for as long as one measurement lasts."""

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.bodies import written
from bench.certificate import Certificate
from bench.load import Load

ROOT = Path(__file__).resolve().parents[1]
ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "function")))}
"""Of every process of the bench: where the bench and the function are found."""
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Servers:
    """Their addresses."""

    looker: str
    warehouse: str
    certificate: Certificate

    def figures(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What Looker and the warehouse counted so far."""
        return self._get(f"{self.looker}/figures"), self._get(f"{self.warehouse}/figures")

    def bandwidth(self, megabytes: int = 300) -> float:
        """Bytes per second that one plain TLS connection takes from Looker, a megabyte at a time."""
        buffer, address = bytearray(1 << 20), urlsplit(self.looker)
        connection = HTTPSConnection(str(address.hostname), address.port, context=self._context())
        with closing(connection):
            connection.connect()
            began = time.monotonic()
            for _ in range(megabytes):
                connection.request("GET", "/megabyte")
                answer = connection.getresponse()
                while answer.readinto(buffer):
                    pass
            return megabytes * 1e6 / (time.monotonic() - began)

    def _get(self, url: str) -> dict[str, Any]:
        with urllib.request.urlopen(url, context=self._context() if url.startswith("https") else None) as answer:
            figures: dict[str, Any] = json.load(answer)
        return figures

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate.certificate))


@contextmanager
def serving(load: Load, certificate: Certificate) -> Iterator[Servers]:
    """Both servers for a load."""
    described = json.dumps(asdict(load))
    bodies = written(load.kb, certificate.bundle.parent)
    files = [str(certificate.certificate), str(certificate.key), str(bodies)]
    # Both start before either is waited for.
    with _process("bench.looker", described, *files) as looker, _process("bench.warehouse", described) as warehouse:
        yield Servers(looker(), warehouse(), certificate)


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[Callable[[], str]]:
    """The module running; what is given waits for its address."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        output = process.stdout
        assert output is not None

        def address() -> str:
            if not (line := output.readline().strip()):
                raise RuntimeError(f"{module} did not start; its error stands above")
            return line

        try:
            yield address
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
