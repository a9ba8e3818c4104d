"""Canonical messages: every kind in every shape against forms written by hand, and what odd stores hold."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from local.looker.conversations import Conversation
from local.looker.population import Population
from sluice.looker import lenient
from sluice.looker.prune import canonical

KINDS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("kinds.yaml").read_text())
SECRET = "ya29.a-token-of-the-request"
OUTER: dict[str, Any] = {"id": "5001", "type": "system", "order": 1, "can": {}}
STAMP = "2026-09-28T17:30:11.123456789Z"
CUT = "2026-09-28T17:30:11.123456Z"


def prune(message: Any) -> Any:
    return canonical(msgspec.Raw(json.dumps(message).encode()))


def system(inner: Any) -> dict[str, Any]:
    return {**OUTER, "message": inner}


def debug_info(data: dict[str, Any]) -> dict[str, Any]:
    return {"request": {"credentials": {"token": SECRET}}, "response": {"status": 200, "data": data}}


def snake(value: Any) -> Any:
    """Every key in snake_case; field names of an explore hold no capitals and stay as they are."""
    if isinstance(value, dict):
        return {
            "".join(f"_{each.lower()}" if each.isupper() else each for each in k): snake(v) for k, v in value.items()
        }
    return [snake(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = KINDS[request.param]
    return found


def test_plain(kind: dict[str, Any]) -> None:
    message = system({"timestamp": STAMP, "messageId": "m", "systemMessage": kind["sent"]})
    assert prune(message) == {**OUTER, "timestamp": CUT, "messageId": "m", "systemMessage": kind["kept"]}


def test_debug(kind: dict[str, Any]) -> None:
    nested = {**kind["sent"], "kind": kind["kind"]}
    inner = {"timestamp": STAMP, "systemMessage": kind["sent"], "debugInfo": debug_info({"systemMessage": nested})}
    pruned = prune(system(inner))
    assert pruned == {**OUTER, "timestamp": CUT, "systemMessage": {**kind["kept"], "kind": kind["kind"]}}
    assert SECRET not in json.dumps(pruned)


def test_debug_with_the_nested_copy_alone(kind: dict[str, Any]) -> None:
    inner = {"debugInfo": debug_info({"systemMessage": kind["sent"], "timestamp": STAMP})}
    assert prune(system(inner)) == {**OUTER, "timestamp": CUT, "systemMessage": kind["kept"]}


@pytest.mark.parametrize("name", sorted(KINDS.keys() - {"unknown"}))
def test_snake_case(name: str) -> None:
    kind = KINDS[name]
    nested = {**kind["sent"], "kind": kind["kind"]}
    inner = {"timestamp": STAMP, "systemMessage": kind["sent"], "debugInfo": debug_info({"systemMessage": nested})}
    camel, snaked = prune(system(inner)), prune(snake(system(inner)))
    assert snaked == {**camel, "systemMessage": {**camel["systemMessage"], "kind": kind["kind"]}}


def test_a_canonical_message_is_its_own(kind: dict[str, Any]) -> None:
    once = prune(system({"timestamp": STAMP, "systemMessage": kind["sent"]}))
    assert prune(once) == once


@pytest.mark.parametrize(
    ("inner", "kept"),
    [
        (
            {"userMessage": {"text": "Sales?"}, "timestamp": STAMP},
            {"timestamp": CUT, "userMessage": {"text": "Sales?"}},
        ),
        ({"userMessage": "Sales?"}, {"userMessage": {"text": "Sales?"}}),
        ({"user_message": {"text": "Sales?"}}, {"userMessage": {"text": "Sales?"}}),
        ({"userMessage": {"text": "?"}, "debugInfo": {"request": SECRET}}, {"userMessage": {"text": "?"}}),
        ({"userMessage": None}, {"userMessage": None}),
        ({"content": "own form", "tokens": {"in": 1}}, {"content": "own form", "tokens": {"in": 1}}),
        ({}, {}),
    ],
)
def test_user_messages_and_forms_of_ones_own(inner: Any, kept: Any) -> None:
    outer = {"id": "1", "type": "user", "order": 0}
    assert prune({**outer, "message": inner}) == {**outer, **kept}


@pytest.mark.parametrize("value", ["text", 7, None, [1, {"a": 2}], True])
def test_a_message_that_is_no_object_is_kept(value: Any) -> None:
    assert prune({"id": "1", "message": value}) == {"id": "1", "message": value}
    assert prune(value) == {"message": value}


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ({"id": 1, "message": {"id": 2, "a": 3}}, {"id": 1, "a": 3, "message": {"id": 2}}),
        ({"id": 1, "message": {"message": "b", "a": 3}}, {"id": 1, "a": 3, "message": "b"}),
        ({"id": 1, "message": {"id": 2, "message": "b"}}, {"id": 1, "message": {"id": 2, "message": "b"}}),
        ({"id": 1, "message": {"id": 2, "message": {"id": 3}}}, {"id": 1, "message": {"id": 2, "message": {"id": 3}}}),
        ({"message": {"message": {"a": 1}}}, {"a": 1}),
        ({"timestamp": CUT, "message": {"timestamp": STAMP}}, {"timestamp": CUT, "message": {"timestamp": STAMP}}),
        (
            {"type": "x", "message": {"type": "y", "system_message": {"a": 1}}},
            {"type": "x", "systemMessage": {"a": 1}, "message": {"type": "y"}},
        ),
    ],
)
def test_keys_that_collide_stay_under_message(message: Any, kept: Any) -> None:
    assert prune(message) == kept
    assert prune(kept) == kept


@pytest.mark.parametrize(
    "message",
    [
        {"debugInfo": debug_info({}), "message": {"debugInfo": debug_info({})}},
        {"debugInfo": 1, "debug_info": debug_info({}), "message": {"debug_info": debug_info({}), "debugInfo": None}},
        {"message": {"debugInfo": SECRET}},
        {"message": {"debugInfo": [SECRET]}},
    ],
)
def test_no_spelling_or_place_saves_debug_info(message: Any) -> None:
    assert prune(message) == {}


def test_what_collides_is_pruned_as_well() -> None:
    message = {"systemMessage": {"a": 1}, "message": {"systemMessage": {"schema": {"result": [SECRET]}}}}
    assert prune(message) == {"systemMessage": {"a": 1}, "message": {"systemMessage": {"schema": {}}}}


def test_both_spellings_of_a_heavy_part_are_dropped() -> None:
    said = {"data": {"formattedData": [1], "formatted_data": [2], "generatedSql": "a", "generated_sql": "b"}}
    kept = {"systemMessage": {"data": {"generatedSql": "a", "generated_sql": "b"}}}
    assert prune({"message": {"systemMessage": said}}) == kept
    assert prune(kept) == kept


@pytest.mark.parametrize(
    ("top", "nested", "kept"),
    [
        ({"error": {"text": "a"}, "groupId": 1}, {"error": {"text": "b"}}, {"error": {"text": "b"}, "groupId": 1}),
        ({"citation": 1}, {"kind": "text"}, {"citation": 1, "kind": "text"}),
        ({"error": 1}, None, {"error": 1}),
        ({"error": 1}, "text", {"error": 1}),
        ("text", {"error": 1}, {"text": {"parts": ["text"]}, "error": 1}),
        ("text", "other", {"text": {"parts": ["text"]}}),
        (None, {"error": 1}, {"error": 1}),
    ],
)
def test_the_nested_copy_completes_the_top_one(top: Any, nested: Any, kept: Any) -> None:
    inner = {"systemMessage": top, "debugInfo": debug_info({"systemMessage": nested})}
    assert prune({"message": inner}) == {"systemMessage": kept}


@pytest.mark.parametrize("data", [None, [], "x", {"systemMessage": None}, {"other": 1}])
def test_without_a_nested_copy_the_top_one_is_kept(data: Any) -> None:
    """The public Go service deleted it before it looked for the nested one, and lost every plain message."""
    inner = {"systemMessage": {"text": {"parts": ["a"]}}, "debugInfo": {"response": {"data": data}}}
    assert prune({"message": inner}) == {"systemMessage": {"text": {"parts": ["a"]}}}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-09-28T17:30:11Z", "2026-09-28T17:30:11Z"),
        ("2026-09-28T17:30:11.123Z", "2026-09-28T17:30:11.123Z"),
        ("2026-09-28T17:30:11.123456+02:00", "2026-09-28T17:30:11.123456+02:00"),
        ("2026-09-28T17:30:11.999999999Z", "2026-09-28T17:30:11.999999Z"),
        ("2026-09-28T17:30:11.123456789+02:00", "2026-09-28T17:30:11.123456+02:00"),
        ("yesterday, at 12.1234567", "yesterday, at 12.1234567"),
        ("2026-09-28 17:30:11 UTC", "2026-09-28T17:30:11Z"),
        ("2026-09-28 17:30:11 +0200", "2026-09-28T15:30:11Z"),
        (1790000000, "2026-09-21T14:13:20Z"),
        (1790000000123, "2026-09-21T14:13:20.123000Z"),
        ("1790000000123", "2026-09-21T14:13:20.123000Z"),
        (1790000000123456, "2026-09-21T14:13:20.123456Z"),
        (1790000000123456789, "2026-09-21T14:13:20.123456Z"),
        ({"seconds": "1790000000", "nanos": 5000}, "2026-09-21T14:13:20.000005Z"),
        ({"seconds": {"low": 1790000000, "high": 0, "unsigned": False}}, "2026-09-21T14:13:20Z"),
        ({"seconds": "soon"}, {"seconds": "soon"}),
        (17, 17),
        (None, None),
    ],
)
def test_times_are_read_as_what_they_are_and_cut_to_microseconds(sent: Any, kept: Any) -> None:
    assert prune({"message": {"timestamp": sent}}) == {"timestamp": kept}


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ({"name": "n", "extra": 1}, {"name": "n", "extra": 1}),
        ({"data": []}, {"rowCount": 0}),
        ({"data": [], "formattedData": [{"a": 1}]}, {"rowCount": 0, "columns": ["a"]}),
        ({"formattedData": [{"a": 1}, {"b": 1}]}, {"rowCount": 2, "columns": ["a"]}),
        ({"data": [{"b": 1}], "schema": {"fields": [{"name": "a"}, {}, 3]}}, {"rowCount": 1, "columns": ["a"]}),
        ({"schema": {"fields": []}, "data": [{"b": 1}]}, {"columns": ["b"], "rowCount": 1}),
        ({"data": {"no": "rows"}, "schema": "x", "formattedData": None}, {}),
        ({"data": [1, 2]}, {"rowCount": 2}),
        ({"columns": ["kept"], "rowCount": 9}, {"columns": ["kept"], "rowCount": 9}),
        ({"columns": ["sent"], "data": [{"a": 1}]}, {"columns": ["sent"], "rowCount": 1}),
        ([1], [1]),
    ],
)
def test_of_a_result_its_columns_and_row_count_are_kept(result: Any, kept: Any) -> None:
    for order in (1, -1):
        shown = dict(list(result.items())[::order]) if isinstance(result, dict) else result
        assert prune({"message": {"systemMessage": {"data": {"result": shown}}}}) == {
            "systemMessage": {"data": {"result": kept}}
        }


def test_a_schema_names_no_column_null() -> None:
    """A number that only a lenient reader takes leaves the names beside it unread."""
    for amount in ("1", "1e400"):
        message = (
            '{"message": {"systemMessage": {"data": {"result": {"schema": {"fields": [{"name": null}]}}, "n": %s}}}}'
        )
        kept = canonical(msgspec.Raw((message % amount).encode()))["systemMessage"]["data"]
        assert kept == {"result": {}, "n": 1 if amount == "1" else amount}


def test_the_time_of_the_debug_copy_only_stands_in_for_none() -> None:
    debug = debug_info({"timestamp": "2030-01-01T00:00:00Z"})
    assert prune({"message": {"timestamp": STAMP, "debugInfo": debug}}) == {"timestamp": CUT}
    assert prune({"message": {"debugInfo": debug}}) == {"timestamp": "2030-01-01T00:00:00Z"}


def conversations(seed: int) -> list[Conversation]:
    population = Population(seed=seed, users=8, conversations=60, mean_kb=18.0)
    population.advance(2)
    return [each for user in population.users for each in population.conversations_of(user.key)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_simulated_population_agrees(seed: int) -> None:
    """Its truth is written beside what it sends, never pruned from it."""
    checked = 0
    for conversation in conversations(seed):
        messages = lenient.document(conversation.body())["messages"]
        assert [canonical(each) for each in lenient.elements(messages)] == conversation.expected()["messages"]
        checked += len(lenient.elements(messages))
    assert checked > 1000
