"""Everything the function needs, on this machine: a simulated Looker, a BigQuery emulator, and the function itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from local.function import FunctionServer, in_this_process
from local.looker.app import Looker
from local.looker.population import Population
from local.looker.server import serve
from local.warehouse.deploy import deploy
from local.warehouse.emulator import Warehouse, emulator

ROOT = Path(__file__).resolve().parents[1]
DATASET = "looker_agents"
LOCATION = "US"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The three parts, running; `client` asks the warehouse."""

    looker: Looker
    warehouse: Warehouse
    function: FunctionServer
    client: bigquery.Client

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query; `${dataset}` stands for the dataset."""
        text = sql.replace("${dataset}", f"{self.warehouse.project}.{DATASET}")
        return [dict(row) for row in self.client.query_and_wait(text)]


@contextmanager
def rehearsal(data: Path, population: Population, **options: Any) -> Iterator[Rehearsal]:
    """Run the three parts while the context lasts; the warehouse keeps its data in the folder `data`.

    `options` are those of the simulated Looker.
    """
    with (
        emulator(data) as warehouse,
        serve(population, **options) as looker,
        in_this_process(environment(looker, warehouse)) as function,
    ):
        client = warehouse.client()
        try:
            deploy(client, DATASET, LOCATION, ROOT / "sql")
            yield Rehearsal(looker, warehouse, function, client)
        finally:
            client.close()


def environment(looker: Looker, warehouse: Warehouse) -> dict[str, str]:
    """The function's settings for these two."""
    return {
        "LOOKER_BASE_URL": looker.url,
        "LOOKER_CLIENT_ID": looker.client_id,
        "LOOKER_CLIENT_SECRET": looker.client_secret,
        "LOOKER_USER_QUERY_ID": looker.query_id,
        "GCP_PROJECT_ID": warehouse.project,
        "BQ_DATASET": DATASET,
        "BQ_LOCATION": LOCATION,
        "BQ_ENDPOINT": warehouse.url,
    }
