"""Reading `sql/`: what is complete is read in order, what is not is refused by name."""

from pathlib import Path

import pytest

from infra import definitions
from infra.definitions import DefinitionError, Table, View
from tests.infra.conftest import FILES, write


def test_the_real_definitions_are_complete() -> None:
    assert [table.name for table in definitions.tables()] == [
        "conversations",
        "feedback",
        "rejects",
        "sync_runs",
        "sync_users",
    ]
    names = [view.name for view in definitions.views()]
    for view in definitions.views():
        assert all(names.index(used) < names.index(view.name) for used in view.uses), view.name
        assert "${" not in view.rendered(project="p", dataset="d", conversations="c")


def test_tables_are_read_whole(checkout: Path) -> None:
    table = definitions.tables(checkout / "sql")[0]
    assert (table.name, table.partition, table.cluster) == ("conversations", {"field": "at", "type": "DAY"}, ["id"])
    assert table.schema[0]["name"] == "id"


def test_views_come_after_those_they_read(tmp_path: Path) -> None:
    files = {
        f"sql/views/{name}.sql": f"-- description: {name}.\nSELECT 1 AS x FROM `${{dataset}}.{read}`"
        for name, read in (("a", "b"), ("b", "c"), ("c", "rejects"))
    }
    root = write(tmp_path, {name: text for name, text in {**FILES, **files}.items() if "daily" not in name})
    assert [view.name for view in definitions.views(root / "sql") if len(view.name) == 1] == ["c", "b", "a"]


def test_without_views_there_are_none(tmp_path: Path) -> None:
    root = write(tmp_path, {name: text for name, text in FILES.items() if "views" not in name})
    assert definitions.views(root / "sql") == []


def test_placeholders_are_replaced(checkout: Path) -> None:
    messages = definitions.views(checkout / "sql")[0]
    assert messages.rendered(project="p-1", dataset="d", conversations="chats").endswith("FROM `p-1.d.chats`\n")


def read_all(sql: Path) -> list[Table | View]:
    return [*definitions.tables(sql), *definitions.views(sql)]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("sql/views/x.sql", "SELECT 1", r"sql/views/x\.sql: begin it with"),
        ("sql/views/x.sql", "-- description: X.\nSELECT 1 FROM `${dataset}.nothing`", "reads nothing, which neither"),
        ("sql/views/x.sql", "-- description: X.\nSELECT 1 FROM `${dataset}.x`", "read each other: x, x"),
        ("sql/views/messages.sql", "-- description: X.\nSELECT at FROM `${dataset}.daily`", "read each other"),
        ("sql/tables/rejects/schema.json", "[", "sql/tables/rejects: needs schema.json"),
        ("sql/tables/rejects/table.yaml", "cluster: [id]", "sql/tables/rejects: needs schema.json"),
        ("sql/tables/rejects/table.yaml", "description: X.\nclustr: [id]", "sql/tables/rejects: needs"),
        ("sql/tables/rejects/table.yaml", "description: X.\ncluster: [nothing]", "no column nothing"),
        ("sql/tables/rejects/table.yaml", "description: X.\npartition: {type: DAY}", "sql/tables/rejects: needs"),
        ("sql/tables/more/table.yaml", "description: X.", "sql/tables/more: needs schema.json"),
    ],
)
def test_a_definition_that_cannot_be_deployed_is_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    root = write(tmp_path, {**FILES, name: text})
    with pytest.raises(DefinitionError, match=problem):
        read_all(root / "sql")


def test_a_placeholder_nobody_fills_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path, {**FILES, "sql/views/daily.sql": "-- description: X.\nSELECT '${day}'"})
    daily = next(view for view in definitions.views(root / "sql") if view.name == "daily")
    with pytest.raises(DefinitionError, match=r"sql/views/daily\.sql: only"):
        daily.rendered(project="p", dataset="d", conversations="c")
