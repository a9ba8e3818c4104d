"""JSON of every kind for hypothesis: what parsers disagree about included."""

import json
from typing import Any

from hypothesis import strategies as st

from sluice.looker.rules import CAMEL, RULES

KNOWN = sorted({part.removesuffix("[]") for rule in RULES for part in rule.path.split(".")} | set(CAMEL.values()))

# Lone surrogates included: Looker passes on what browsers sent.
texts = st.text(st.characters(codec=None), max_size=12)
integers = st.integers() | st.integers(min_value=-(10**40), max_value=10**40)
floats = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | integers | floats | texts
names = st.sampled_from(KNOWN) | st.sampled_from(sorted(CAMEL)) | st.sampled_from(["id", "type", "message"]) | texts


def values(keys: st.SearchStrategy[str] = names) -> st.SearchStrategy[Any]:
    """Any JSON value, as Python holds it."""
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
    )


# Made once: making one takes longer than drawing from it.
anything = values()


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """Messages with values of any kind on the paths the rules name, in the places where known shapes have them."""
    said: dict[str, Any] = {}
    for rule in draw(st.lists(st.sampled_from(RULES), max_size=4)):
        put(said, rule.path, draw(anything))
    system = said.get("systemMessage", {})
    inner: dict[str, Any] = draw(st.dictionaries(names, leaves, max_size=3))
    if draw(st.booleans()):
        inner |= {"systemMessage": system}
    if draw(st.booleans()):
        inner |= {"debugInfo": {"request": draw(leaves), "response": {"data": {"systemMessage": system}}}}
    outer: dict[str, Any] = draw(st.dictionaries(names, anything, max_size=2))
    return outer | {"message": inner}


def put(target: Any, path: str, value: Any) -> None:
    """Put `value` at `path` of `target`; `[]` is an array of one. What is there already and no object stays."""
    first, _, rest = path.partition(".")
    key = first.removesuffix("[]")
    if not rest:
        target.setdefault(key, value)
        return
    child = target.setdefault(key, [{}] if first.endswith("[]") else {})
    child = child[0] if isinstance(child, list) and child else child
    if isinstance(child, dict):
        put(child, rest, value)


def texts_of(value: Any) -> bytes:
    """The value as JSON text, ASCII only: half surrogate pairs are written as escapes, as Looker does."""
    return json.dumps(value).encode()
