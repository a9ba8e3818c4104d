"""What sql/ defines, read once: table schemas and the statements the function runs."""

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path

from google.cloud import bigquery

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_HERE = Path(__file__).resolve()


@functools.cache
def root() -> Path:
    """The folder sql/: beside sluice/ where it is deployed, beside function/ in the repository.

    Raises:
        FileNotFoundError: the source was deployed without it.
    """
    for folder in (_HERE.parents[2] / "sql", _HERE.parents[3] / "sql"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("the folder sql/ was not deployed with the function")


@functools.cache
def schema(table: str) -> tuple[bigquery.SchemaField, ...]:
    """Columns of a table, from sql/tables/<table>/schema.json."""
    fields = json.loads((root() / "tables" / table / "schema.json").read_text())
    return tuple(bigquery.SchemaField.from_api_repr(field) for field in fields)


def statement(name: str, names: Mapping[str, str]) -> str:
    """The text of sql/statements/<name>.sql; `${other}` of another statement includes it.

    Raises:
        KeyError: a placeholder has no value.
    """
    text = (root() / "statements" / f"{name}.sql").read_text()

    def value(match: re.Match[str]) -> str:
        key = match[1]
        return names[key] if key in names else statement(key, names)

    return _PLACEHOLDER.sub(value, text)


@functools.cache
def staging_schema() -> tuple[bigquery.SchemaField, ...]:
    """Columns of a staging table: the kind of row, those of conversations, rejects, feedback, a payload; all nullable.

    Required columns are required by the commit, where one bad row cannot fail the load of all others.
    """
    fields = {"kind": bigquery.SchemaField("kind", "STRING")}
    for table in ("conversations", "rejects", "feedback"):
        for field in schema(table):
            fields.setdefault(field.name, bigquery.SchemaField(field.name, field.field_type))
    fields["payload"] = bigquery.SchemaField("payload", "JSON")
    return tuple(fields.values())
