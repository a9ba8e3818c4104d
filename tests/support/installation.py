"""One installation: a dataset of its own, a simulated Looker, and the settings of a function between the two."""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from local.function import FunctionServer, in_own_process, in_this_process
from local.looker.app import Looker
from local.looker.population import Population
from local.looker.server import serve
from local.rehearsal import environment
from local.warehouse.deploy import deploy
from local.warehouse.emulator import Warehouse

FETCHES = r"/conversations/(?!search$)[^/]+$"

type Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Installation:
    """`environ` holds the function's settings; `client` asks the warehouse directly."""

    looker: Looker
    client: bigquery.Client
    dataset: str
    environ: dict[str, str]

    @property
    def population(self) -> Population:
        return self.looker.population

    def function(self, **environ: str) -> AbstractContextManager[FunctionServer]:
        """The function in a thread of this process, with further settings."""
        return in_this_process({**self.environ, **environ})

    def function_apart(self, log: Path, **environ: str) -> AbstractContextManager[FunctionServer]:
        """The function in a process of its own, its output in `log`."""
        return in_own_process({**self.environ, **environ}, log)

    def fetched(self) -> list[str]:
        """Ids of the conversations asked for since the journal was cleared, each as often as it was."""
        return sorted(record.path.rpartition("/")[2] for record in self.looker.requests.find(FETCHES, "GET"))

    def rows(self, table: str) -> Rows:
        """All rows of one of our tables."""
        return [dict(row) for row in self.client.list_rows(f"{self.dataset}.{table}")]

    def tables(self) -> list[str]:
        return sorted(table.table_id for table in self.client.list_tables(self.dataset))

    def everything(self) -> tuple[list[str], dict[str, Rows]]:
        """All there is in the warehouse: the datasets, and the rows of each table of ours."""
        datasets = sorted(each.dataset_id for each in self.client.list_datasets())
        return datasets, {table: self.rows(table) for table in self.tables()}


@contextmanager
def installed(
    warehouse: Warehouse, sql: Path, population: Population, *, tables: bool = True, **looker: Any
) -> Iterator[Installation]:
    """Install while the context lasts. `tables=False` leaves the tables out; `looker` are options of its simulation."""
    dataset = f"t{uuid.uuid4().hex}"
    with warehouse.client() as client, serve(population, **looker) as served:
        if tables:
            deploy(client, dataset, "US", sql)
        environ = {**environment(served, warehouse), "BQ_DATASET": dataset}
        yield Installation(served, client, dataset, environ)
        client.delete_dataset(dataset, delete_contents=True, not_found_ok=True)
