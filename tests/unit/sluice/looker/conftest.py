from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from local.looker.app import Looker
from local.looker.population import Population
from local.looker.server import serve
from sluice.looker import transport
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
