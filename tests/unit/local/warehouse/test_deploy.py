"""sql/ in the emulator: this repository's own, and small ones made to be right or wrong."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from local.warehouse.deploy import InvalidDefinition, deploy
from local.warehouse.emulator import Warehouse
from tests.support.dataset import TABLES, VIEWS, Dataset

ID = {"name": "id", "type": "STRING", "mode": "REQUIRED", "description": "The id."}
AT = {"name": "at", "type": "TIMESTAMP", "mode": "REQUIRED"}
BODY = {"name": "body", "type": "JSON", "mode": "NULLABLE"}
OPTIONS = "description: Things.\npartition: {field: at, type: DAY}\ncluster: [id]\nlabels: {source: test}\n"


@pytest.fixture
def client(warehouse: Warehouse) -> Iterator[bigquery.Client]:
    client = warehouse.client()
    yield client
    client.close()


@pytest.fixture
def dataset(client: bigquery.Client) -> Iterator[str]:
    name = f"deploy_{uuid.uuid4().hex[:8]}"
    yield name
    client.delete_dataset(name, delete_contents=True, not_found_ok=True)


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    write_table(tmp_path, "conversations", [ID, AT, BODY], OPTIONS)
    (tmp_path / "views").mkdir()
    return tmp_path


def write_table(root: Path, name: str, columns: Any, options: str) -> None:
    folder = root / "tables" / name
    folder.mkdir(parents=True)
    (folder / "schema.json").write_text(json.dumps(columns))
    (folder / "table.yaml").write_text(options)


def write_view(root: Path, name: str, text: str) -> None:
    (root / "views" / f"{name}.sql").write_text(text)


def test_a_table_is_what_its_folder_says(client: bigquery.Client, dataset: str, sql: Path) -> None:
    deploy(client, dataset, "EU", sql)
    table = client.get_table(f"{dataset}.conversations")
    assert [(field.name, field.field_type, field.mode) for field in table.schema] == [
        ("id", "STRING", "REQUIRED"),
        ("at", "TIMESTAMP", "REQUIRED"),
        ("body", "JSON", "NULLABLE"),
    ]
    assert table.schema[0].description == "The id."
    assert (table.description, table.labels) == ("Things.", {"source": "test"})
    assert (table.time_partitioning.field, table.time_partitioning.type_) == ("at", "DAY")
    assert table.clustering_fields == ["id"]
    assert client.get_dataset(dataset).location == "EU"


def test_views_come_after_those_they_read(client: bigquery.Client, dataset: str, sql: Path) -> None:
    write_view(sql, "a", "-- description: Ids, again.\nSELECT id FROM `${dataset}.b`")
    write_view(sql, "b", "SELECT id FROM `${dataset}.c` WHERE JSON_VALUE(body, '$.x') = 'y'")
    write_view(sql, "c", "SELECT id, body FROM `${dataset}.${table}`")
    deploy(client, dataset, "US", sql, table="talks")
    client.query(f"""INSERT `{dataset}.talks` VALUES ('1', CURRENT_TIMESTAMP(), JSON '{{"x": "y"}}')""").result()
    assert [row.id for row in client.query(f"SELECT id FROM `{dataset}.a`").result()] == ["1"]
    assert client.get_table(f"{dataset}.a").description == "Ids, again."
    assert {table.table_id for table in client.list_tables(dataset)} == {"a", "b", "c", "talks"}


def test_deploying_again_keeps_rows_and_takes_what_is_new(client: bigquery.Client, dataset: str, sql: Path) -> None:
    write_view(sql, "ids", "SELECT id FROM `${dataset}.${table}`")
    deploy(client, dataset, "US", sql)
    client.query(f"INSERT `{dataset}.conversations` (id, at) VALUES ('1', CURRENT_TIMESTAMP())").result()
    deploy(client, dataset, "US", sql)
    added = {"name": "size", "type": "INT64", "mode": "NULLABLE"}
    (sql / "tables/conversations/schema.json").write_text(json.dumps([ID, AT, BODY, added]))
    write_view(sql, "ids", "SELECT id, size FROM `${dataset}.${table}`")
    deploy(client, dataset, "US", sql)
    rows = client.query(f"SELECT id, size FROM `{dataset}.ids`").result()
    assert [tuple(row) for row in rows] == [("1", None)]
    assert client.get_table(f"{dataset}.conversations").schema[0].mode == "REQUIRED"


def test_a_column_cannot_be_dropped(client: bigquery.Client, dataset: str, sql: Path) -> None:
    deploy(client, dataset, "US", sql)
    (sql / "tables/conversations/schema.json").write_text(json.dumps([ID, AT]))
    with pytest.raises(BadRequest):
        deploy(client, dataset, "US", sql)


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("tables/conversations/schema.json", "[{", "cannot be read"),
        ("tables/conversations/schema.json", "{}", "must hold a list"),
        ("tables/conversations/schema.json", '[{"type": "STRING"}]', "a name and a type"),
        ("tables/conversations/schema.json", "[1]", "a name and a type"),
        ("tables/conversations/table.yaml", "a: [", "cannot be read"),
        ("tables/conversations/table.yaml", "partitions: {}", "unknown keys \\['partitions'\\]"),
        ("tables/conversations/table.yaml", "partition: {field: at}", "exactly a field and a type"),
        ("views/v.sql", "SELECT 1 FROM `${dataset}.nowhere`", "which sql/ does not define"),
        ("views/v.sql", "SELECT '${zone}' AS x", "unknown placeholders \\['zone'\\]"),
        ("views/v.sql", "SELECT * FROM `${dataset}.v`", "read each other"),
    ],
)
def test_a_wrong_file_is_named(
    client: bigquery.Client, dataset: str, sql: Path, path: str, text: str, why: str
) -> None:
    (sql / path).write_text(text)
    with pytest.raises(InvalidDefinition, match=why) as caught:
        deploy(client, dataset, "US", sql)
    assert str(sql) in str(caught.value)


def test_a_missing_file_is_named(client: bigquery.Client, dataset: str, sql: Path, tmp_path: Path) -> None:
    (sql / "tables/conversations/table.yaml").unlink()
    with pytest.raises(InvalidDefinition, match=r"table\.yaml is missing"):
        deploy(client, dataset, "US", sql)
    with pytest.raises(InvalidDefinition, match="holds no table"):
        deploy(client, dataset, "US", tmp_path / "nothing")


def test_the_repositorys_own_definitions(
    client: bigquery.Client, dataset: str, tables_only: Path, everything_of_sql: Dataset
) -> None:
    made = {table.table_id for table in client.list_tables(everything_of_sql.name)}
    assert made == {*TABLES, *VIEWS}
    deploy(client, dataset, "US", tables_only)
    deploy(client, dataset, "US", tables_only)
    assert {table.table_id for table in client.list_tables(dataset)} == {*TABLES}
