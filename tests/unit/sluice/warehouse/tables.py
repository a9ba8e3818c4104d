"""Rows for the tables of one installation, and what became of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery

from sluice.settings import Settings
from sluice.warehouse.connection import Connection
from sluice.warehouse.definitions import staging_schema
from sluice.warehouse.load import Staging
from sluice.warehouse.rows import Encoder

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def settings(endpoint: str, **others: Any) -> Settings:
    own = {
        "looker_base_url": "https://looker.example.com",
        "looker_client_id": "i",
        "looker_client_secret": "s",
        "looker_user_query_id": "7",
        "gcp_project_id": "p",
        "bq_endpoint": endpoint,
    }
    return Settings.load(**(own | others))


def conversation(id: str, updated_at: datetime = NOON, **others: Any) -> dict[str, Any]:
    """A staged row."""
    own = {
        "kind": "conversation",
        "id": id,
        "user_id": "7",
        "created_at": NOON.replace(hour=1),
        "updated_at": updated_at,
        "messages": [{"id": "1"}],
        "message_count": 1,
        "raw_bytes": 10,
        "stored_bytes": 5,
        "run_id": "r",
        "ingested_at": NOON,
    }
    return own | others


def reject(id: str, updated_at: datetime | None = NOON, **others: Any) -> dict[str, Any]:
    own = {"kind": "reject", "id": id, "user_id": "7", "updated_at": updated_at, "reason": "not valid JSON"}
    return {**own, "raw": "{", "part": 1, "parts": 1, "run_id": "r", "ingested_at": NOON} | others


def lines(rows: list[dict[str, Any]]) -> Iterator[bytes]:
    encoder = Encoder(staging_schema(), 1_000_000)
    return (encoder.encode(row).text for row in rows)


def staged(connection: Connection, run_id: str, *rows: dict[str, Any]) -> str:
    """The name of a staging table that holds these rows."""
    staging = Staging(connection, run_id)
    staging.create()
    staging.load(lines(list(rows)))
    return staging.table


def held(connection: Connection, table: str) -> list[dict[str, Any]]:
    """All rows of one of our tables, in an order of their own."""
    rows = [dict(row) for row in connection.client.list_rows(connection.table(table))]
    return sorted(rows, key=repr)


def insert(connection: Connection, table: str, *rows: dict[str, Any]) -> None:
    """Rows for one of our tables, by a load job."""
    schema = connection.client.get_table(connection.table(table)).schema
    config = bigquery.LoadJobConfig(
        schema=schema, source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND"
    )
    written = [
        {key: value.isoformat() if isinstance(value, datetime) else value for key, value in r.items()} for r in rows
    ]
    connection.client.load_table_from_json(written, connection.table(table), job_config=config).result()
