"""Pruning of any JSON at all."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.looker import lenient
from sluice.looker.prune import canonical
from sluice.looker.rules import CAMEL, RULES
from tests.unit.sluice.documents import messages, put, texts_of, values

SNAKE = {camel: snake for snake, camel in CAMEL.items()}
MARK = "only-in-what-is-dropped"

type Path = tuple[str | int, ...]


def prune(message: Any) -> Any:
    """As a body is read: a document first, its parts afterwards."""
    body = b'{"messages": [' + texts_of(message) + b"]}"
    return canonical(lenient.elements(lenient.document(body)["messages"])[0])


def replaced(value: Any) -> Any:
    """What a reader of bodies makes of half surrogate pairs."""
    return json.loads(
        json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def leaves(value: Any, path: Path = ()) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element, path)
    else:
        yield value


@given(values() | messages())
def test_anything_becomes_an_object_that_is_its_own_canonical_form(message: Any) -> None:
    once = prune(message)
    assert isinstance(once, dict)
    assert prune(once) == once


@given(values() | messages())
def test_the_input_is_the_only_thing_that_counts(message: Any) -> None:
    raw = msgspec.Raw(texts_of(replaced(message)))
    assert canonical(raw) == canonical(raw)
    assert bytes(memoryview(raw)) == texts_of(replaced(message))


# Keys that mean something to pruning are left out: all that remains is content.
plain_keys = st.text("abcxyz", min_size=1, max_size=4)
contents = st.dictionaries(plain_keys, values(plain_keys), max_size=4)


@given(contents, contents, contents)
def test_without_heavy_parts_a_message_comes_back_equal_but_for_hoisting(outer: Any, inner: Any, said: Any) -> None:
    assert prune({**outer, "message": {**inner, "systemMessage": said}}) == {
        **{key: replaced(value) for key, value in inner.items() if key not in outer},
        **{key: replaced(value) for key, value in outer.items()},
        "systemMessage": replaced(said),
        **({"message": {key: replaced(inner[key]) for key in apart}} if (apart := inner.keys() & outer.keys()) else {}),
    }


@given(st.lists(st.sampled_from(RULES), min_size=1, max_size=len(RULES), unique=True), st.booleans(), contents)
def test_what_a_rule_names_is_gone_and_its_neighbours_stay(rules: Any, nested: bool, neighbours: Any) -> None:
    said: dict[str, Any] = {}
    for rule in rules:
        put(said, rule.path, {"mark": MARK})
    for rule in RULES:
        parent, _, _ = rule.path.rpartition(".")
        if parent:
            put(said, f"{parent}.neighbour", {"kept": neighbours})
    system = said["systemMessage"]
    inner = {"debugInfo": {"response": {"data": {"systemMessage": system}}}} if nested else {"systemMessage": system}
    pruned = prune({"message": {"debugInfo": said.get("debugInfo"), **inner}})
    assert MARK not in json.dumps(pruned)
    places = {rule.path.rpartition(".")[0] for rule in RULES} - {""}
    assert json.dumps(pruned).count('"neighbour"') == len(places)


@given(messages())
def test_both_spellings_of_known_keys_are_one(message: Any) -> None:
    camel = _spelled(message, CAMEL)
    assert prune(_snaked(camel)) == prune(camel)


def _spelled(value: Any, spelling: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {spelling.get(key, key): _spelled(member, spelling) for key, member in value.items()}
    return [_spelled(each, spelling) for each in value] if isinstance(value, list) else value


def _snaked(message: dict[str, Any]) -> Any:
    """Known keys in snake_case wherever the shapes of messages have them; what is unknown is left as it is."""
    return _along(message, _SHAPE)


def _along(value: Any, shape: Any) -> Any:
    if isinstance(value, list):
        return [_along(each, (shape or {}).get("[]")) for each in value]
    if not isinstance(value, dict) or shape is None:
        return value
    return {SNAKE.get(key, key): _along(member, shape.get(key)) for key, member in value.items()}


def _shape() -> dict[str, Any]:
    system: dict[str, Any] = {}
    for rule in RULES:
        if rule.path.startswith("systemMessage."):
            _grow(system, rule.path.replace("[]", ".[]").split(".")[1:-1])
    data = {"response": {"data": {"systemMessage": system}}}
    return {"message": {"systemMessage": system, "debugInfo": data}, "systemMessage": system}


def _grow(shape: dict[str, Any], parts: list[str]) -> None:
    for part in parts:
        shape = shape.setdefault(part, {})


_SHAPE = _shape()


@pytest.mark.parametrize("depth", [10, 499, 501, 1000])
def test_deep_nesting_is_kept(depth: int) -> None:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    assert prune({"message": {"deep": value}}) == {"deep": value}
