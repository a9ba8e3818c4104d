"""What the whole run of tests shares: the emulator, which a process holds once only and which starts in seconds."""

from collections.abc import Iterator

import pytest

from local.warehouse.emulator import Warehouse, emulator


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A running emulator; a test uses a dataset of its own in it."""
    with emulator(tmp_path_factory.mktemp("bigquery")) as running:
        yield running
