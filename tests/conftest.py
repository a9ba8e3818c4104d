"""What the whole run of tests shares: the emulator, which a process holds once only and which starts in seconds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.looker.population import Population
from local.warehouse.emulator import Warehouse, emulator
from tests.support.dataset import Dataset
from tests.support.installation import Installation, installed

ROOT = Path(__file__).resolve().parents[1]

type Install = Callable[..., Installation]


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A running emulator; a test uses a dataset of its own in it."""
    with emulator(tmp_path_factory.mktemp("bigquery")) as running:
        yield running


@pytest.fixture(scope="session")
def everything_of_sql(warehouse: Warehouse) -> Dataset:
    """The one dataset with the views, which take seconds to create: each module of tests fills it anew."""
    return Dataset.create(warehouse, "everything")


@pytest.fixture(scope="session")
def tables_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The definitions of sql/ without the views: they take seconds to create and no run reads them."""
    folder = tmp_path_factory.mktemp("sql")
    (folder / "tables").symlink_to(ROOT / "sql" / "tables")
    return folder


@pytest.fixture
def install(warehouse: Warehouse, tables_only: Path) -> Iterator[Install]:
    """Makes installations (see `installed`), gone when the test ends."""
    with ExitStack() as stack:

        def make(population: Population, **options: Any) -> Installation:
            return stack.enter_context(installed(warehouse, tables_only, population, **options))

        yield make
