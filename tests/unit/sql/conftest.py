"""The golden population in the emulator, shared by the tests of this folder: creating the views takes seconds."""

import pytest

from local.warehouse.emulator import Warehouse
from tests.unit.sql.dataset import Dataset
from tests.unit.sql.golden import population


@pytest.fixture(scope="session")
def golden(warehouse: Warehouse) -> Dataset:
    dataset = Dataset.create(warehouse, "golden")
    dataset.load("conversations", population())
    return dataset
