"""What viewers see is what the private views say, read from tables alone, and no text that somebody wrote."""

import re

import pytest

from infra import definitions
from tests.support.dataset import SQL, Dataset

VIEWS = {view.name: view for view in definitions.views()}
SHOWN = sorted(name for name, view in VIEWS.items() if view.shown)
# Columns of the other views that hold what people, agents or authors wrote.
TEXTS = re.compile(r"question|answer_text|final_response|text|instructions|prompt|title|content|sql\b", re.IGNORECASE)


def inlined(name: str, dataset: str) -> str:
    return (
        VIEWS[name]
        .inlined(VIEWS, project="p", dataset="d", conversations="conversations")
        .replace("p.d.", f"{dataset}.")
    )


@pytest.mark.parametrize("name", SHOWN)
def test_it_reads_tables_alone(name: str) -> None:
    tables = {path.name for path in (SQL / "tables").iterdir()}
    assert set(re.findall(r"`d\.(\w+)`", inlined(name, "d"))) <= tables


@pytest.mark.parametrize("name", SHOWN)
def test_it_says_the_same(golden: Dataset, name: str) -> None:
    private = golden.view(name)
    shown = golden.rows(f"SELECT * FROM (\n{inlined(name, golden.name)}\n)")
    for row in (*private, *shown):
        row.pop("checked_at", None)
    assert sorted(map(str, shown)) == sorted(map(str, private))
    assert shown or name == "sync_history", "nothing to compare"


@pytest.mark.parametrize("name", SHOWN)
def test_no_column_holds_a_text_somebody_wrote(everything_of_sql: Dataset, name: str) -> None:
    columns = everything_of_sql.columns(f"SELECT * FROM `{everything_of_sql.name}.{name}` LIMIT 0")
    assert [column for column in columns if TEXTS.fullmatch(column)] == []


def test_views_of_messages_are_not_shown() -> None:
    assert not {"messages", "turns", "follow_ups", "errors", "generated_queries", "unanswered_or_slow"} & set(SHOWN)
    assert SHOWN
