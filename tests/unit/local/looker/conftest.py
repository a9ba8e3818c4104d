from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from local.looker.app import Looker
from local.looker.population import Population
from local.looker.server import serve
from tests.unit.local.looker.client import Client

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def population() -> Population:
    return Population(users=12, conversations=120, now=NOW)


@pytest.fixture(scope="module")
def shared_looker() -> Iterator[Looker]:
    with serve(Population(users=12, conversations=120, now=NOW)) as looker:
        yield looker


@pytest.fixture
def client(shared_looker: Looker) -> Client:
    """A client of a server that the module's tests share: faults and journal are empty, older tokens may be open."""
    shared_looker.faults.clear()
    shared_looker.requests.clear()
    return Client(shared_looker)


@pytest.fixture
def start(population: Population) -> Iterator[Callable[..., Client]]:
    """Starts a server of one's own with the options given, and gives its client."""
    with ExitStack() as stack:
        yield lambda **options: Client(stack.enter_context(serve(population, **options)))
