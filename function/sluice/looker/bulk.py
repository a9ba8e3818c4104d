"""Data inside parts that no rule knows: sets of rows, tables as text and pictures become what is left to say of them.

A kind of message that nobody knows yet keeps its structure, but not the rows of an answer.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sluice.looker import lenient

type Json = Any
type Known = Mapping[str, Callable[[Json], Json]]
"""Members whose value a rule knows, and what becomes of it."""

MAX_ROWS = 20
"""Elements; a longer list is no part of a conversation where none is known."""
MAX_TEXT = 1000
"""Characters; what is longer and looks like data is no text that somebody wrote."""
MAX_DEEP_TEXTS = 4
"""Levels of JSON text inside JSON text that are looked into."""

_CSV = re.compile(r"csv(?:_?data)?$", re.IGNORECASE)
_PICTURE = re.compile(r"(?:image|picture|png|svg|base_?64|vega_?config|vega_?chart_?json)$", re.IGNORECASE)
_BASE_64 = re.compile(r"(?:data:[^,]{0,100};base64,)?[A-Za-z0-9+/_=\r\n-]+")
_DELIMITERS = ",;\t|"


def bounded(value: Json, known: Known, depth: int = 0) -> Json:
    """The value without such data, changed in place. Members named in `known` are what that makes of them."""
    value = _summary(value)
    todo = [value]
    while todo:
        parent = todo.pop()
        members = parent.items() if isinstance(parent, dict) else enumerate(parent) if isinstance(parent, list) else ()
        for key, member in [*members]:
            if isinstance(member, str):
                parent[key] = text(key, member, known, depth)
            elif isinstance(member, dict) and key in known:
                parent[key] = known[key](member)
            elif isinstance(member, dict | list) and not (key == "columns" and _are_names(member)):
                parent[key] = kept = _summary(member)
                todo.append(kept)
    return value


def _summary(value: Json) -> Json:
    """What is kept of a set of rows: `{columns, rowCount}`; anything else as it is."""
    if isinstance(value, dict):
        # Some libraries write a list as an object of its positions.
        if len(value) <= MAX_ROWS or not all(key.isdecimal() for key in value):
            return value
        rows = [*value.values()]
    elif isinstance(value, list) and len(value) > MAX_ROWS:
        rows = value
    else:
        return value
    columns = {"columns": [*rows[0]]} if isinstance(rows[0], dict) else {}
    return {**columns, "rowCount": len(rows)}


def _are_names(columns: Json) -> bool:
    return isinstance(columns, list) and all(isinstance(each, str) for each in columns)


def text(key: object, value: str, known: Known, depth: int = 0) -> Json:
    """A text that is no data, or how many bytes it had."""
    if isinstance(key, str) and (
        (_CSV.search(key) and "\n" in value) or (_PICTURE.search(key) and len(value) > MAX_ROWS)
    ):
        return {"bytes": _size(value)}
    if len(value) <= MAX_ROWS:
        return value
    if depth < MAX_DEEP_TEXTS and value.lstrip().startswith(("{", "[")):
        return _json_text(value, known, depth + 1)
    return {"bytes": _size(value)} if len(value) > MAX_TEXT and _is_data(value) else value


def _json_text(text: str, known: Known, depth: int) -> str:
    try:
        value = lenient.parsed(text)
        before = msgspec.json.encode(value)
        after = msgspec.json.encode(bounded(value, known, depth))
    except (ValueError, RecursionError):
        return text
    return text if before == after else after.decode()


def _is_data(text: str) -> bool:
    """A table (as many delimiters in nearly every line) or a file in letters."""
    lines = [line for line in text.splitlines()[:100] if line.strip()]
    if len(lines) > MAX_ROWS:
        for delimiter in _DELIMITERS:
            count, times = Counter(line.count(delimiter) for line in lines).most_common(1)[0]
            if count and times >= 0.9 * len(lines):
                return True
    return _BASE_64.fullmatch(text) is not None


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
