"""A dataset of the emulator that holds what sql/ defines, and its answers as plain values that compare with YAML."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from google.cloud import bigquery

from local.warehouse.deploy import deploy
from local.warehouse.emulator import Warehouse

SQL = Path(__file__).parents[2] / "sql"
VIEWS = tuple(sorted(path.stem for path in (SQL / "views").glob("*.sql")))
TABLES = tuple(sorted(path.parent.name for path in (SQL / "tables").glob("*/schema.json")))
QUERIES = tuple(sorted(path.stem for path in (SQL / "queries").glob("*.sql")))

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The tables and views of sql/ under one name."""

    client: bigquery.Client
    name: str

    @classmethod
    def create(cls, warehouse: Warehouse, name: str) -> Self:
        client = warehouse.client()
        deploy(client, name, "EU", SQL)
        return cls(client, name)

    def fill(self, **tables: Iterable[Mapping[str, Any]]) -> Self:
        """Hold these rows and no others."""
        for table in TABLES:
            self.client.query(f"TRUNCATE TABLE `{self.name}.{table}`").result()
        for table, rows in tables.items():
            self.load(table, rows)
        return self

    def load(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replace the rows of a table."""
        text = (SQL / "tables" / table / "schema.json").read_text(encoding="utf-8")
        config = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField.from_api_repr(column) for column in json.loads(text)],
            write_disposition="WRITE_TRUNCATE",
        )
        encoded = [{key: _written(value) for key, value in row.items()} for row in rows]
        self.client.load_table_from_json(encoded, f"{self.name}.{table}", job_config=config).result()

    def view(self, name: str) -> list[Row]:
        """All rows of a view, in no order."""
        return self.rows(f"SELECT * FROM `{self.name}.{name}`")

    def query(self, name: str, **parameters: tuple[str, Any]) -> list[Row]:
        """The answer of a file of sql/queries; a parameter is (type, value)."""
        text = (SQL / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        return self.rows(self.filled(text), **parameters)

    def rows(self, text: str, **parameters: tuple[str, Any]) -> list[Row]:
        bound = [bigquery.ScalarQueryParameter(name, *given) for name, given in parameters.items()]
        config = bigquery.QueryJobConfig(query_parameters=bound)
        answer = self.client.query(text, job_config=config).result()
        return [{key: plain(value) for key, value in row.items()} for row in answer]

    def columns(self, text: str) -> list[str]:
        return [field.name for field in self.client.query(text).result(max_results=0).schema]

    def filled(self, text: str) -> str:
        return text.replace("${dataset}", self.name).replace("${table}", "conversations")


def plain(value: Any) -> Any:
    """Moments and days as ISO text (UTC, Z), floats to nine digits; everything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, float):
        return round(value, 9)
    return value.isoformat() if isinstance(value, date) else value


def by(rows: Iterable[Row], *keys: str) -> list[Row]:
    """The rows in the order of `keys`, NULL first."""
    return sorted(rows, key=lambda row: [(row[key] is not None, row[key]) for key in keys])


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
