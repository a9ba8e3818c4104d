"""Rows, tables and pictures in parts that no rule knows: what is left to say of them is kept, and all else as it is."""

import json
from typing import Any

import msgspec
import pytest

from sluice.looker.bulk import MAX_ROWS
from sluice.looker.prune import canonical

EMAIL = "person@example.com"
ROWS = [{"users.email": EMAIL, "n": number} for number in range(MAX_ROWS + 1)]
KEPT = {"columns": ["users.email", "n"], "rowCount": MAX_ROWS + 1}
CSV = f"email,n\n{EMAIL},1\n" * 50
BASE_64 = "iVBORw0KGgoAAAANSUhEUgAA" * 100


def said(value: Any) -> Any:
    message = {"id": "1", "type": "system", "message": {"systemMessage": value}}
    pruned = canonical(msgspec.Raw(json.dumps(message).encode()))
    assert canonical(msgspec.Raw(json.dumps(pruned).encode())) == pruned
    return pruned["systemMessage"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (ROWS, KEPT),
        ({"result": {"data": ROWS}}, {"result": {"data": KEPT}}),
        ([{"deep": [{"rows": ROWS}]}], [{"deep": [{"rows": KEPT}]}]),
        ([[EMAIL, 1]] * 30, {"rowCount": 30}),
        ([EMAIL] * 30, {"rowCount": 30}),
        ({str(place): row for place, row in enumerate(ROWS)}, KEPT),
        ({"csvData": "email\n" + EMAIL}, {"csvData": {"bytes": 24}}),
        ({"result_csv": CSV}, {"result_csv": {"bytes": len(CSV)}}),
        ({"anything": CSV}, {"anything": {"bytes": len(CSV)}}),
        ({"anything": CSV.replace(",", "\t")}, {"anything": {"bytes": len(CSV)}}),
        ({"image": BASE_64}, {"image": {"bytes": len(BASE_64)}}),
        ({"anything": BASE_64}, {"anything": {"bytes": len(BASE_64)}}),
        ({"anything": f"data:image/png;base64,{BASE_64}"}, {"anything": {"bytes": len(BASE_64) + 22}}),
        ({"anything": json.dumps({"a": ROWS})}, {"anything": json.dumps({"a": KEPT}, separators=(",", ":"))}),
        (
            {"systemMessage": {"data": {"result": {"data": ROWS[:2]}}}},
            {"systemMessage": {"data": {"result": {"columns": ["users.email", "n"], "rowCount": 2}}}},
        ),
    ],
)
def test_data_in_a_kind_without_rules_is_not_stored(value: Any, kept: Any) -> None:
    assert said({"laterKind": value}) == {"laterKind": kept}
    assert EMAIL not in json.dumps(kept)


@pytest.mark.parametrize(
    "value",
    [
        ROWS[:MAX_ROWS],
        {"steps": ["First, look.", "Then, think."]},
        {"columns": [f"c{number}" for number in range(100)]},
        {"insight": "Sales rose, costs fell, and margins held.\n" * 10},
        {"insight": "In a long paragraph, without any table. " * 100},
        {"insight": "".join(f"Line {'x, ' * (number % 7)}\n" for number in range(200))},
        {"json": json.dumps({"a": [1, 2]}, indent=2)},
        {"wide": {f"key{number}": number for number in range(50)}},
        {"odd": "{no json" + "x" * 50},
        None,
        7,
    ],
)
def test_the_rest_of_it_keeps_its_structure(value: Any) -> None:
    assert said({"laterKind": value}) == {"laterKind": value}


@pytest.mark.parametrize(
    "value",
    [
        {"text": {"parts": [f"Part {number}" for number in range(50)], "textType": "THOUGHT"}},
        {
            "data": {
                "query": {
                    "looker": {"fields": [f"a.b{number}" for number in range(50)], "filters": [{"field": "a"}] * 30}
                }
            }
        },
        {"data": {"generatedSql": "INSERT INTO t VALUES\n" + "(1, 2),\n" * 200}},
        {"exampleQueries": {"exampleQueries": [{"sqlQuery": "SELECT 1"}] * 30}},
        {"clarification": {"questions": [{"question": "?", "options": ["a"] * 30}] * 30}},
        {"analysis": {"progressEvent": {"code": "print(1, 2)\n" * 200}}},
        {"data": {"query": {"datasources": [{"lookerExploreReference": {"explore": "e"}}] * 30}}},
        {"citation": {"sources": [{"a": 1}] * 30}},
    ],
)
def test_lists_that_are_conversation_stay_whole(value: Any) -> None:
    assert said(value) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"data": ROWS}, {"data": KEPT}),
        ({"data": {"newRows": ROWS}}, {"data": {"newRows": KEPT}}),
        ({"data": {"result": {"moreRows": ROWS}}}, {"data": {"result": {"moreRows": KEPT}}}),
        (
            {"analysis": {"progressEvent": {"newCsvData": CSV}}},
            {"analysis": {"progressEvent": {"newCsvData": {"bytes": len(CSV)}}}},
        ),
        ({"chart": {"newChart": {"data": {"values": ROWS}}}}, {"chart": {"newChart": {"data": {"values": KEPT}}}}),
        ({"csv": CSV}, {"csv": {"bytes": len(CSV)}}),
    ],
)
def test_new_places_in_known_kinds_are_no_way_in(value: Any, kept: Any) -> None:
    assert said(value) == kept


def test_a_form_of_ones_own_is_bounded_too() -> None:
    message = {"id": "1", "message": {"role": "tool", "content": "three rows", "rows": ROWS}}
    assert canonical(msgspec.Raw(json.dumps(message).encode())) == {
        "id": "1",
        "role": "tool",
        "content": "three rows",
        "rows": KEPT,
    }
    assert canonical(msgspec.Raw(json.dumps(ROWS).encode())) == {"message": KEPT}
