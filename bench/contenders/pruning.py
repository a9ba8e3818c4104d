"""Pruning as one writes it first: decode, delete, encode again. Drops what the product drops, for the usual shapes."""

from typing import Any

type Json = Any

HEAVY = (
    ("schema", "result"),
    ("data", "formattedData"),
    ("data", "bigQueryJob", "schema"),
    ("data", "result", "schema"),
    ("data", "result", "data"),
    ("data", "result", "formattedData"),
    ("chart", "result", "vegaConfig"),
    ("chart", "result", "image"),
    ("analysis", "progressEvent", "resultCsvData"),
    ("analysis", "progressEvent", "resultVegaChartJson"),
    ("analysis", "progressEvent", "executionOutput"),
    ("text", "thoughtSignature"),
    ("thoughtSignature",),
)


def prune(conversation: dict[str, Json]) -> dict[str, Json]:
    """The conversation without the heavy parts of its messages, changed in place."""
    conversation["messages"] = [_message(message) for message in conversation.get("messages") or []]
    return conversation


def _message(message: dict[str, Json]) -> dict[str, Json]:
    inner = message.pop("message", None) or {}
    debug = inner.pop("debugInfo", None) or inner.pop("debug_info", None) or {}
    nested = ((debug.get("response") or {}).get("data") or {}).get("systemMessage")
    said = inner.get("systemMessage") or inner.pop("system_message", None) or nested
    if said:
        inner["systemMessage"] = said
        for path in HEAVY:
            _delete(said, path)
        for kind in ("schema", "data"):
            for source in ((said.get(kind) or {}).get("query") or {}).get("datasources") or []:
                for part in ("schema", "structSchema", "struct_schema"):
                    source.pop(part, None)
    return {**inner, **message}


def _delete(node: Json, path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        node = node.get(name) or node.get(_snake(name)) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(path[-1], None)
        node.pop(_snake(path[-1]), None)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
