from pathlib import Path

import pytest

from sluice.warehouse.definitions import root, schema, staging_schema, statement

NAMES = {"dataset": "p.d", "table": "t", "staging": "p.d.s"}


def test_the_folder_is_the_one_that_infra_and_local_read() -> None:
    assert root() == Path(__file__).resolve().parents[4] / "sql"


def test_a_schema_is_that_of_its_file() -> None:
    fields = {field.name: field for field in schema("sync_users")}
    remembered = ["skipped_reason", "skipped_at", "failed_runs"]
    assert list(fields) == ["user_id", "watermark", "owed_since", *remembered, "run_id", "recorded_at"]
    assert (fields["user_id"].field_type, fields["user_id"].mode) == ("STRING", "REQUIRED")
    with pytest.raises(FileNotFoundError):
        schema("no_such_table")


def test_a_statement_has_its_names_and_includes_others() -> None:
    text = statement("commit", NAMES)
    assert "MERGE `p.d.t` AS held" in text
    assert "FROM `p.d.s`" in text
    assert statement("record_run", NAMES) in text
    assert "${" not in text


def test_a_name_without_a_value_is_no_statement() -> None:
    with pytest.raises(FileNotFoundError):
        statement("commit", {"dataset": "d", "table": "t"})


def test_staging_holds_every_column_of_both_tables_and_requires_none() -> None:
    fields = {field.name: field for field in staging_schema()}
    assert set(fields) == {"kind", "payload"} | {
        field.name for table in ("conversations", "rejects", "feedback") for field in schema(table)
    }
    assert len(fields) == len(staging_schema())
    assert {field.mode for field in fields.values()} == {"NULLABLE"}
    for table in ("conversations", "rejects", "feedback"):
        assert {field.name: field.field_type for field in schema(table)}.items() <= {
            name: field.field_type for name, field in fields.items()
        }.items()
