"""The LookML parses, and names nothing that the views of sql/ and the other files do not have."""

import re
from pathlib import Path
from typing import Any

import lkml
import pytest
import yaml

ROOT = Path(__file__).parents[3]
LOOKML = ROOT / "lookml"
FIELDS = ("dimensions", "dimension_groups", "measures", "parameters")
COLUMN = re.compile(r"^-- column (\w+):", re.MULTILINE)


def parsed(path: Path) -> Any:
    return lkml.load(path.read_text(encoding="utf-8"))


VIEWS = {path.name.removesuffix(".view.lkml"): parsed(path)["views"][0] for path in LOOKML.glob("views/*.view.lkml")}
MODEL = parsed(LOOKML / "looker_agents.model.lkml")
DASHBOARD = yaml.safe_load((LOOKML / "dashboards/agents.dashboard.lookml").read_text(encoding="utf-8"))[0]


def fields_of(view: str) -> list[Any]:
    return [field for kind in FIELDS for field in VIEWS[view].get(kind, [])]


def names_of(view: str) -> set[str]:
    """What can be selected: the fields, and each timeframe of a group."""
    groups = {
        f"{group['name']}_{timeframe}"
        for group in VIEWS[view].get("dimension_groups", [])
        for timeframe in group["timeframes"]
    }
    return {field["name"] for field in fields_of(view)} | groups


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_it_reads_a_view_that_exists_and_columns_that_it_has(view: str) -> None:
    definition = VIEWS[view]
    assert (definition["name"], definition["sql_table_name"]) == (view, f"`@{{DATASET}}.{view}`")
    columns = set(COLUMN.findall((ROOT / "sql/views" / f"{view}.sql").read_text(encoding="utf-8")))
    used = {name for field in fields_of(view) for name in re.findall(r"\$\{TABLE\}\.(\w+)", field.get("sql", ""))}
    assert used == columns


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_field_is_named_described_and_unique(view: str) -> None:
    fields = fields_of(view)
    assert len({field["name"] for field in fields}) == len(fields)
    assert [field["name"] for field in fields if not field.get("label") or not field.get("description")] == []
    assert sum(field.get("primary_key") == "yes" for field in fields) == 1


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_measure_drills_into_fields_and_computes_with_fields_that_exist(view: str) -> None:
    names = names_of(view)
    assert {name for each in VIEWS[view].get("sets", []) for name in each["fields"]} <= names
    for measure in VIEWS[view].get("measures", []):
        assert measure["drill_fields"] == ["detail*"]
        sql = measure.get("sql", "")
        assert set(re.findall(r"\$\{(\w+)\}", sql)) - {"TABLE"} <= names
        assert set(re.findall(r"\{% parameter (\w+) %\}", sql)) <= names
        assert {name for given in measure.get("filters__all", []) for each in given for name in each} <= names


def test_the_explores_are_made_of_views_that_exist() -> None:
    assert {explore["name"] for explore in MODEL["explores"]} | {"conversation_latest_agent"} == VIEWS.keys()
    for explore in MODEL["explores"]:
        assert explore["label"]
        assert explore["description"]
        for join in explore.get("joins", []):
            for view, field in re.findall(r"\$\{(\w+)\.(\w+)\}", join["sql_on"]):
                assert field in names_of(view)
        for given in explore.get("always_filter", {}).get("filters__all", []):
            for named in given:
                view, field = next(iter(named)).split(".")
                assert field in names_of(view)


def test_explores_over_conversations_read_only_the_days_asked_for() -> None:
    unfiltered = {explore["name"] for explore in MODEL["explores"] if "always_filter" not in explore}
    assert unfiltered == {"sync_history", "sync_health"}


def test_the_constants_are_declared() -> None:
    declared = {constant["name"] for constant in parsed(LOOKML / "manifest.lkml")["constants"]}
    used = {name for path in LOOKML.rglob("*.lkml") for name in re.findall(r"@\{(\w+)\}", path.read_text("utf-8"))}
    assert used == declared == {"CONNECTION", "DATASET"}


def test_the_dashboard_shows_fields_its_explores_have() -> None:
    joined = {explore["name"]: {join["name"] for join in explore.get("joins", [])} for explore in MODEL["explores"]}
    filters = {each["name"] for each in DASHBOARD["filters"]}
    assert DASHBOARD["elements"]
    for element in DASHBOARD["elements"]:
        reachable = {element["explore"]} | joined[element["explore"]]
        sort = [element["sorts"][0].split()[0]] if "sorts" in element else []
        for name in (*element["fields"], *element.get("listen", {}).values(), *sort):
            view, field = name.split(".")
            assert view in reachable
            assert field in names_of(view), name
        assert element.get("listen", {}).keys() <= filters
        assert element["col"] + element["width"] <= 24
