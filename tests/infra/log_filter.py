"""A reader of the part of Cloud Logging's query language that the project uses: =, >=, log_id(), AND, OR, parentheses.

https://cloud.google.com/logging/docs/view/logging-query-language
"""

import re
from collections.abc import Callable
from typing import Any

TOKEN = re.compile(r'\s*(\(|\)|AND\b|OR\b|log_id\("[^"]*"\)|[\w.]+(?:>=|=)(?:"[^"]*"|\w+))')
SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")


def matches(query: str, entry: dict[str, Any]) -> bool:
    """Whether `entry` (a LogEntry as JSON) is found by `query`.

    Raises:
        ValueError: the query uses something else.
    """
    tokens: list[str] = []
    position = 0
    while query[position:].strip():
        token = TOKEN.match(query, position)
        if not token:
            raise ValueError(f"not understood: {query[position:]}")
        tokens.append(token[1])
        position = token.end()
    found = _any(tokens, entry)
    if tokens:
        raise ValueError(f"left over: {tokens}")
    return found


def _any(tokens: list[str], entry: dict[str, Any]) -> bool:
    return any(_joined("OR", _all, tokens, entry))


def _all(tokens: list[str], entry: dict[str, Any]) -> bool:
    return all(_joined("AND", _one, tokens, entry))


def _joined(
    word: str, part: Callable[[list[str], dict[str, Any]], bool], tokens: list[str], entry: dict[str, Any]
) -> list[bool]:
    found = [part(tokens, entry)]
    while tokens and tokens[0] == word:
        tokens.pop(0)
        found.append(part(tokens, entry))
    return found


def _one(tokens: list[str], entry: dict[str, Any]) -> bool:
    token = tokens.pop(0)
    if token == "(":
        found = _any(tokens, entry)
        if not tokens or tokens.pop(0) != ")":
            raise ValueError("a parenthesis is not closed")
        return found
    if token.startswith("log_id("):
        return bool(entry["logName"].endswith("/" + token[8:-2].replace("/", "%2F")))
    path, operator, text = re.split(r"(>=|=)", token, maxsplit=1)
    value = _field(entry, path)
    wanted = text.strip('"')
    if operator == "=":
        return (str(value).lower() if isinstance(value, bool) else value) == wanted
    if path == "severity":
        return SEVERITIES.index(str(value or "DEFAULT")) >= SEVERITIES.index(wanted)
    return value is not None and float(value) >= float(wanted)


def _field(entry: dict[str, Any], path: str) -> Any:
    value: Any = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
