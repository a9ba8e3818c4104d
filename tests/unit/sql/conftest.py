"""The golden population in the emulator."""

import pytest

from tests.support.dataset import Dataset
from tests.unit.sql.golden import population


@pytest.fixture(scope="module")
def golden(everything_of_sql: Dataset) -> Dataset:
    return everything_of_sql.fill(conversations=population())
