"""What every file of sql/views and sql/queries owes its reader, and BigQuery its bill."""

import re

import pytest

from tests.support.dataset import QUERIES, SQL, VIEWS, Dataset

PARAMETER = re.compile(r"^-- parameter (\w+): [A-Z0-9]+, .+\.$", re.MULTILINE)
COLUMN = re.compile(r"^-- column (\w+): .+\.$", re.MULTILINE)
# Views that read the big table, itself or through another view. The agents' one looks for the last sight anywhere.
LEDGER = {"sync_history", "sync_health"}
PRUNED = tuple(view for view in VIEWS if view not in LEDGER | {"conversation_latest_agent"})


def text_of(folder: str, name: str) -> str:
    return (SQL / folder / f"{name}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize(("folder", "name"), [("views", view) for view in VIEWS] + [("queries", q) for q in QUERIES])
def test_it_says_what_it_is_and_what_it_reads(folder: str, name: str) -> None:
    first, second, *_ = [line for line in text_of(folder, name).splitlines() if line != "-- viewers: yes"]
    assert re.fullmatch(r"-- description: .+\.", first)
    assert re.fullmatch(r"-- cost: .+\.", second)


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_is_described_in_order(golden: Dataset, view: str) -> None:
    assert COLUMN.findall(text_of("views", view)) == golden.columns(f"SELECT * FROM `{golden.name}.{view}`")


@pytest.mark.parametrize("query", QUERIES)
def test_every_parameter_is_described(query: str) -> None:
    text = text_of("queries", query)
    assert set(PARAMETER.findall(text)) == set(re.findall(r"@(\w+)", re.sub(r"^--.*$", "", text, flags=re.MULTILINE)))


@pytest.mark.parametrize("view", PRUNED)
def test_a_filter_can_reach_the_partitions(golden: Dataset, view: str) -> None:
    """BigQuery moves a filter below a window or a GROUP BY only when its column is among the keys."""
    text = text_of("views", view)
    keys = re.findall(r"PARTITION BY (.+?)(?: ORDER BY|\)|$)", text) + re.findall(r"GROUP BY (.+)", text)
    assert [key for key in keys if not key.startswith(("created_at", "day"))] == []
    columns = golden.columns(f"SELECT * FROM `{golden.name}.{view}`")
    assert columns[0] == "created_at" or (columns[0] == "day" and "  DATE(created_at) AS day" in text)
