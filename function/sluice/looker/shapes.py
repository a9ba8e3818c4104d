"""The shapes that clients store a message in -> the one that rules and views know. What does not fit stays as it is.

Known are the envelope of Looker, GDA's StorageMessage (one `message` more), answers with their request, messages that
are JSON text, a systemMessage without its envelope, and texts without theirs. Sources: ca-demos-and-tools and
geminidataanalytics, both of Google.
"""

import re
from typing import Any

from sluice.looker import lenient, times
from sluice.looker.lenient import Members, Part
from sluice.looker.rules import CAMEL

type Json = Any

MAX_ENVELOPES = 16
"""Levels of `message` inside `message` that are opened."""
MAX_JSON_TEXTS = 4
"""Levels of JSON text inside JSON text that are read."""

# What tells a part of an answer from a key of the same name: the members such a part has.
_BARE: dict[str, set[str] | None] = {
    "text": {"parts", "textType", "text_type"},
    "data": {
        *("query", "generatedSql", "generated_sql", "result", "generatedLookerQuery", "generated_looker_query"),
        *("matchedQuery", "matched_query", "bigQueryJob", "big_query_job", "formattedData", "formatted_data"),
    },
    "schema": {"query", "result"},
    "chart": {"query", "result"},
    "analysis": {"query", "progressEvent", "progress_event"},
    "error": {"text"},
    "clarification": {"questions"},
    "exampleQueries": {"exampleQueries", "example_queries"},
    **dict.fromkeys(("keyDriverAnalysis", "outlierDetection", "periodComparison", "advancedInsight")),
}
_BESIDE = ("groupId", "citation", "kind", "thoughtSignature")
_TEXTS = ("text", "error")
"""Kinds that some stores write as a plain text."""
_ROLES = {"user", "system"}
_TEXT_TYPES = {"FINAL_RESPONSE", "THOUGHT", "PROGRESS", "FOLLOWUP_QUESTIONS", "TEXT_TYPE_UNSPECIFIED"}
_BY_LETTERS = {name.replace("_", ""): name for name in _TEXT_TYPES}
_SNAKE = frozenset(CAMEL)
_NO_LETTERS = re.compile(r"[^A-Z]")


def camel(parts: Members) -> Members:
    """Known keys spelled in snake_case take their usual spelling, unless that is taken."""
    if _SNAKE.isdisjoint(parts):
        return parts
    return {_spelling(key, parts): value for key, value in parts.items()}


def _spelling(key: str, parts: Members) -> str:
    name = CAMEL.get(key)
    return name if name is not None and name not in parts else key


def parsed(part: Part) -> Part:
    """What a text holds that is the JSON text of an object; anything else as it is."""
    if isinstance(part, dict):
        return part
    found = part
    for _ in range(MAX_JSON_TEXTS):
        text = lenient.text(found)
        if text is None or not text.lstrip().startswith(("{", '"{', '"\\"')):
            break
        try:
            found = lenient.parsed(text)
        except (ValueError, RecursionError):
            break
    return found if lenient.is_object(found) else part


def opened(message: Part) -> tuple[Members, Members]:
    """The members of a message and of all envelopes inside it, and those that were taken already, as `message` is."""
    parts = camel(lenient.members(message, lenient.DEEPEST))
    apart: Members = {}
    for _ in range(MAX_ENVELOPES):
        if "message" not in parts or not lenient.is_object(inside := parsed(parts["message"])):
            break
        del parts["message"]
        inner = camel(lenient.members(inside))
        if not inner.keys().isdisjoint(parts):
            _put_below(apart, {key: inner.pop(key) for key in parts if key in inner})
        parts.update(inner)
    return parts, apart


def _put_below(apart: Members, taken: Members) -> None:
    while "message" in apart and isinstance(apart["message"], dict):
        apart = apart["message"]
    if apart:
        apart["message"] = taken
    else:
        apart.update(taken)


def named(parts: Members) -> None:
    """Put what was said under `systemMessage` or `userMessage`; an answer beside its request, debugInfo."""
    role = parts.get("type")
    if (role == "system" or role == "user") and isinstance(parts.get("systemMessage"), dict):
        return  # as nearly all are
    if "response" in parts and "debugInfo" not in parts:
        data = lenient.members(lenient.members(parts["response"]).get("data"))
        if not {"systemMessage", "system_message"}.isdisjoint(data):
            parts["debugInfo"] = {"response": parts.pop("response"), "request": parts.pop("request", None)}
    role = lenient.text(parts.get("type"))
    if role not in _ROLES and role is not None and role.lower() in _ROLES:
        role = parts["type"] = role.lower()
    if "systemMessage" in parts:
        if not isinstance(parts["systemMessage"], dict):
            parts["systemMessage"] = _said(parts["systemMessage"])
    elif "userMessage" not in parts and "debugInfo" not in parts:
        _wrap(parts, role)


def _said(part: Part) -> Part:
    part = parsed(part)
    text = lenient.text(part)
    return part if text is None else {"text": {"parts": [text]}}


def _wrap(parts: Members, role: str | None) -> None:
    if role == "user":
        if lenient.text(parts.get("text")) is not None:
            parts["userMessage"] = {"text": parts.pop("text")}
        return
    said = {kind: parts.pop(kind) for kind in [kind for kind in _BARE if kind in parts and _is_said(kind, parts, role)]}
    if said:
        parts["systemMessage"] = said | {key: parts.pop(key) for key in _BESIDE if key in parts}


def _is_said(kind: str, parts: Members, role: str | None) -> bool:
    if lenient.is_object(parts[kind]):
        known = _BARE[kind]
        return known is None or not known.isdisjoint(lenient.members(parts[kind]))
    return role == "system" and kind in _TEXTS and lenient.text(parts[kind]) is not None


def complete(message: dict[str, Json]) -> None:
    """Of a pruned message: times that BigQuery reads, texts as lists of parts, types of texts by their names."""
    if "timestamp" in message:
        message["timestamp"] = times.readable(message["timestamp"])
    said = message.get("systemMessage")
    if isinstance(said, dict):
        if "text" in said:
            said["text"] = _text(said["text"])
        elif isinstance(said.get("error"), str):
            said["error"] = {"text": said["error"]}
    if isinstance(message.get("userMessage"), str):
        message["userMessage"] = {"text": message["userMessage"]}


def _text(text: Json) -> Json:
    if isinstance(text, dict):
        parts, named = text.get("parts"), text.get("textType")
        if isinstance(parts, list) and dict in map(type, parts):
            text["parts"] = [_part(each) for each in parts]
        if isinstance(named, str) and named not in _TEXT_TYPES:
            text["textType"] = _BY_LETTERS.get(_NO_LETTERS.sub("", named.upper()), named)
    elif isinstance(text, str):
        return {"parts": [text]}
    elif isinstance(text, list) and str in map(type, text):
        return {"parts": text}
    return text


def _part(part: Json) -> Json:
    """Gemini's own parts are objects: `{text}`."""
    return (
        part["text"] if isinstance(part, dict) and part.keys() == {"text"} and isinstance(part["text"], str) else part
    )
