from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local.looker.population import Population
from local.looker.server import serve
from tests.unit.local.looker.client import Client

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def population() -> Population:
    return Population(users=12, conversations=120, now=NOW)


@pytest.fixture
def client(population: Population) -> Iterator[Client]:
    with serve(population) as looker:
        yield Client(looker)
