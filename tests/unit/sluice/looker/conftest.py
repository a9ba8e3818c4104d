import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.certificate import Certificate, issue
from local.looker.app import Looker
from local.looker.population import Population
from local.looker.server import serve
from sluice.looker import transport
from tests.unit.sluice.looker.scripted import Server
from tests.unit.sluice.looker.sessions import opened

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

type Start = Callable[..., Looker]


@pytest.fixture
def population() -> Population:
    return Population(users=12, conversations=120, mean_kb=1.0, now=NOW)


@pytest.fixture
def start(population: Population) -> Iterator[Start]:
    """Starts a simulated Looker: of `population`, unless another one is given, with further options of the server."""
    with ExitStack() as stack:

        def serving(of: Population | None = None, **options: Any) -> Looker:
            return stack.enter_context(serve(of or population, **options))

        yield serving


@pytest.fixture
def looker(start: Start) -> Looker:
    return start()


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while opened:
        opened.pop()._transport.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr(transport, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "https"])
def server(
    request: pytest.FixtureRequest, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    tls = None
    if request.param == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate.certificate, certificate.key)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.bundle))
    with closing(Server(tls)) as running:
        yield running
