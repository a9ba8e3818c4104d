"""A dataset with our tables in the emulator, shared by the tests of a file: each uses ids of its own."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.warehouse.deploy import deploy
from local.warehouse.emulator import Warehouse
from sluice.settings import Settings
from sluice.warehouse.connection import Connection
from tests.unit.sluice.warehouse.tables import settings


@pytest.fixture(scope="module")
def installation(warehouse: Warehouse, tables_only: Path) -> Settings:
    """Settings of an installation whose table of conversations has a name of its own."""
    chosen = settings(
        warehouse.url, gcp_project_id=warehouse.project, bq_dataset=f"u{uuid.uuid4().hex}", bq_table="talks"
    )
    with warehouse.client() as client:
        deploy(client, chosen.bq_dataset, "US", tables_only, table=chosen.bq_table)
    return chosen


@pytest.fixture(scope="module")
def connection(installation: Settings) -> Iterator[Connection]:
    with closing(Connection(installation)) as connection:
        yield connection
