"""Columns are written down once, in sql/tables; the statements and the code that name them name the same."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sluice.plan import Kind, Order
from sluice.report import Report
from sluice.warehouse.definitions import root, schema, staging_schema, statement

NAMES = {"dataset": "p.d", "table": "conversations", "staging": "p.d.staging_1"}


def _columns(table: str) -> list[str]:
    return [field.name for field in schema(table)]


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _merge(target: str) -> str:
    found = re.search(rf"MERGE `p\.d\.{target}`.*?;", statement("commit", NAMES), re.DOTALL)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("table", "source"), [("conversations", "fetched"), ("rejects", "refused"), ("feedback", "given")]
)
def test_the_commit_inserts_every_column(table: str, source: str) -> None:
    insert = re.search(r"INSERT\s*\((.*?)\)\s*VALUES\s*\((.*?)\)\s*;", _merge(table), re.DOTALL)
    assert insert is not None
    assert _listed(insert[1]) == _columns(table)
    assert _listed(insert[2]) == [f"{source}.{name}" for name in _columns(table)]


def test_the_commit_updates_every_column_but_the_key() -> None:
    update = re.search(r"UPDATE\s+SET(.*?)WHEN NOT MATCHED", _merge("conversations"), re.DOTALL)
    assert update is not None
    pairs = re.findall(r"(\w+) = fetched\.(\w+)", update[1])
    assert (
        [left for left, _ in pairs]
        == [right for _, right in pairs]
        == [n for n in _columns("conversations") if n != "id"]
    )


def test_the_ledger_row_names_every_column() -> None:
    insert = re.search(
        r"INSERT INTO `p\.d\.sync_runs`\s*\((.*?)\)\s*SELECT(.*?)FROM", statement("record_run", NAMES), re.DOTALL
    )
    assert insert is not None
    assert sorted(_listed(insert[1])) == sorted(_columns("sync_runs"))
    parameters = re.findall(r"@(\w+)", insert[2])
    assert parameters == [name for name in _listed(insert[1]) if name != "recorded_at"]


def test_the_report_fills_every_column_of_the_ledger() -> None:
    now = datetime.now(UTC)
    row = Report("run", Order(Kind.DAILY), now, window_start=now, window_end=now).ledger_row()
    assert set(row) == set(_columns("sync_runs")) - {"recorded_at"}


def test_staging_holds_the_columns_of_both_tables() -> None:
    names = [field.name for field in staging_schema()]
    assert len(names) == len(set(names))
    held = {*_columns("conversations"), *_columns("rejects"), *_columns("feedback")}
    assert set(names) == {"kind", "payload", *held}
    assert {field.mode for field in staging_schema()} == {"NULLABLE"}


@pytest.mark.parametrize("path", sorted((root() / "statements").glob("*.sql")), ids=lambda path: path.stem)
def test_every_placeholder_of_a_statement_has_a_value(path: Path) -> None:
    assert "${" not in statement(path.stem, NAMES)


@pytest.mark.parametrize("table", ["conversations", "rejects", "feedback", "sync_runs", "sync_users"])
def test_every_column_is_described(table: str) -> None:
    for field in schema(table):
        assert field.description, f"{table}.{field.name}"
