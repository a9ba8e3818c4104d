"""The tables and views of sql/, created as they are defined there."""

import json
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from google.api_core.exceptions import Conflict
from google.cloud import bigquery

CONVERSATIONS = "conversations"
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
REFERENCE = re.compile(r"\$\{dataset\}\.(\w+|\$\{table\})")
DESCRIPTION = re.compile(r"^-- description: *(.+)$", re.MULTILINE)
KEYS = {"description", "partition", "cluster", "labels"}


class InvalidDefinition(Exception):
    """A file of sql/ cannot be used; the message names it and says what is wrong."""


def deploy(client: bigquery.Client, dataset: str, location: str, sql_root: Path, table: str = CONVERSATIONS) -> None:
    """Create the dataset, the tables of `sql_root`/tables and the views of `sql_root`/views, or bring them up to date.

    `table` is the name given to the table of the folder `conversations`, `${table}` in a view. What exists keeps its
    rows; a schema may only gain columns, as in BigQuery.

    Raises:
        InvalidDefinition: a file is missing or malformed, or a view reads what sql/ does not define.
        google.api_core.exceptions.GoogleAPICallError: BigQuery refuses a definition.
    """
    home = bigquery.Dataset(f"{client.project}.{dataset}")
    home.location = location
    client.create_dataset(home, exists_ok=True)
    folders = sorted(path for path in (sql_root / "tables").glob("*") if path.is_dir())
    if not folders:
        raise InvalidDefinition(f"{sql_root / 'tables'} holds no table")
    for folder in folders:
        name = table if folder.name == CONVERSATIONS else folder.name
        _create_or_update(client, _table(f"{client.project}.{dataset}.{name}", folder))
    values = {"dataset": f"{client.project}.{dataset}", "table": table}
    for path in _ordered(sql_root / "views", {folder.name for folder in folders}):
        view = _view(f"{client.project}.{dataset}.{path.stem}", path, values)
        # The emulator takes an update of a view's query and goes on answering with the old one.
        client.delete_table(view, not_found_ok=True)
        client.create_table(view)


def _create_or_update(client: bigquery.Client, table: bigquery.Table) -> None:
    try:
        client.create_table(table)
    except Conflict:
        client.update_table(table, ["schema", "description", "labels"])


def _table(reference: str, folder: Path) -> bigquery.Table:
    columns = _read(folder / "schema.json", json.loads, list)
    options = _read(folder / "table.yaml", yaml.safe_load, dict)
    if unknown := options.keys() - KEYS:
        raise InvalidDefinition(f"{folder / 'table.yaml'}: unknown keys {sorted(unknown)}; known are {sorted(KEYS)}")
    if not all(isinstance(column, dict) and column.keys() >= {"name", "type"} for column in columns):
        raise InvalidDefinition(f"{folder / 'schema.json'}: every column must have a name and a type")
    table = bigquery.Table(reference, schema=[bigquery.SchemaField.from_api_repr(column) for column in columns])
    if partition := options.get("partition"):
        if not isinstance(partition, dict) or partition.keys() != {"field", "type"}:
            raise InvalidDefinition(f"{folder / 'table.yaml'}: partition must have exactly a field and a type")
        table.time_partitioning = bigquery.TimePartitioning(field=partition["field"], type_=partition["type"])
    table.description = options.get("description")
    table.clustering_fields = options.get("cluster")
    table.labels = options.get("labels", {})
    return table


def _read(path: Path, parse: Any, kind: type) -> Any:
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidDefinition(f"{path} is missing") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidDefinition(f"{path} cannot be read: {error}") from error
    if not isinstance(value, kind):
        raise InvalidDefinition(f"{path} must hold a {kind.__name__}, not a {type(value).__name__}")
    return value


def _view(reference: str, path: Path, values: dict[str, str]) -> bigquery.Table:
    text = path.read_text(encoding="utf-8")
    if unknown := set(PLACEHOLDER.findall(text)) - values.keys():
        raise InvalidDefinition(f"{path}: unknown placeholders {sorted(unknown)}; known are {sorted(values)}")
    view = bigquery.Table(reference)
    view.view_query = PLACEHOLDER.sub(lambda match: values[match[1]], text)
    if description := DESCRIPTION.search(text):
        view.description = description[1]
    return view


def _ordered(folder: Path, tables: set[str]) -> list[Path]:
    """The views of `folder`, each after those it reads."""
    paths = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    read = {name: set(REFERENCE.findall(path.read_text(encoding="utf-8"))) for name, path in paths.items()}
    for name, names in read.items():
        if unknown := names - tables - paths.keys() - {"${table}"}:
            raise InvalidDefinition(f"{paths[name]} reads {sorted(unknown)}, which sql/ does not define")
    try:
        order = TopologicalSorter({name: names & paths.keys() for name, names in read.items()}).static_order()
        return [paths[name] for name in order]
    except CycleError as error:
        raise InvalidDefinition(f"{folder}: these views read each other: {', '.join(error.args[1])}") from error
