"""One message of a conversation -> its canonical form, heavy parts dropped (the rules are in rules.py).

A message is whatever a client posted to Looker. Two shapes are known: plain (`message.systemMessage`) and debug, which
carries the same systemMessage again under `message.debugInfo.response.data`, with a `kind` and the model's request.
Both become `{id, type, order, timestamp, userMessage | systemMessage, ...every unknown key}`. Pure functions.
"""

import re
from operator import itemgetter
from typing import Any

from sluice.looker import lenient
from sluice.looker.lenient import Members, Part
from sluice.looker.rules import CAMEL, NODES, RULES, Node, Rule

type Json = Any

_BEYOND_MICROSECONDS = re.compile(r"(:\d{2}[.,]\d{6})\d+")
_PRECEDENCE = {rule: position for position, rule in enumerate(RULES)}
_SNAKE = frozenset(CAMEL)


def canonical(message: Part) -> Json:
    """A canonical message; what was split of it already becomes part of it. Never loses a part that no rule names."""
    if not lenient.is_object(message):
        return {"message": lenient.loads(message)}
    parts, colliding = _hoist(_camel(lenient.members(message, lenient.DEEPEST)))
    if "debugInfo" in parts:
        debug = _debug(parts["debugInfo"])
        if "systemMessage" in debug:
            _hoist_system_message(parts, debug["systemMessage"])
        if "timestamp" not in parts and "timestamp" in debug:
            parts["timestamp"] = debug["timestamp"]
    result = _keep_members(parts, NODES)
    if isinstance(result.get("timestamp"), str):
        result["timestamp"] = _BEYOND_MICROSECONDS.sub(r"\1", result["timestamp"])
    if isinstance(result.get("userMessage"), str):
        result["userMessage"] = {"text": result["userMessage"]}
    if colliding and (apart := _keep_members(colliding, NODES)):
        result["message"] = apart
    return result


def _hoist(outer: Members) -> tuple[Members, Members]:
    """The keys of `message` beside those of its envelope; those that collide with them stay apart."""
    if not lenient.is_object(outer.get("message")):
        return outer, {}
    inner = _camel(lenient.members(outer["message"]))
    colliding = {}
    if not inner.keys().isdisjoint(outer):
        colliding = {key: inner.pop(key) for key in outer if key in inner}
    del outer["message"]
    outer.update(inner)
    return outer, colliding


def _debug(debug: Part) -> Members:
    data = lenient.members(lenient.members(debug).get("response")).get("data")
    return _camel(lenient.members(data))


def _hoist_system_message(parts: Members, nested: Part) -> None:
    """The debug copy completes the plain one; a copy that is no object only stands in for none at all."""
    top = parts.get("systemMessage")
    if lenient.is_object(top) and lenient.is_object(nested):
        parts["systemMessage"] = _camel(lenient.members(top)) | _camel(lenient.members(nested))
    elif not lenient.is_object(top) and (lenient.is_object(nested) or top is None):
        parts["systemMessage"] = nested


def _keep(value: Part, node: Node) -> Json:
    """The decoded value less what the rules below `node` drop."""
    if lenient.is_object(value):
        return _keep_members(_camel(lenient.members(value)), node)
    each = node.get("[]")
    if isinstance(each, dict) and lenient.is_array(value):
        return [_keep(element, each) for element in lenient.elements(value)]
    return lenient.loads(value)


def _keep_members(parts: Members, node: Node) -> dict[str, Json]:
    dropped: list[tuple[str, Rule]] = []
    for key, value in parts.items():
        child = node.get(key)
        if child is None:
            if type(value) in lenient.UNFINISHED:
                parts[key] = lenient.loads(value)
        elif isinstance(child, Rule):
            dropped.append((key, child))
        else:
            parts[key] = _keep(value, child)
    return _without(parts, dropped) if dropped else parts


def _without(parts: Members, dropped: list[tuple[str, Rule]]) -> dict[str, Json]:
    """What the first rules say of a dropped part counts more than what later ones do; what was there counts most."""
    told = [(_PRECEDENCE[rule], rule.summary, parts.pop(key)) for key, rule in dropped]
    summaries = [(rank, summary(value)) for rank, summary, value in told if summary is not None]
    for _, summary in sorted(summaries, key=itemgetter(0)):
        parts = summary | parts
    return parts


def _camel(parts: Members) -> Members:
    """Known keys spelled in snake_case take their usual spelling, unless that is taken."""
    if _SNAKE.isdisjoint(parts):
        return parts
    return {_spelling(key, parts): value for key, value in parts.items()}


def _spelling(key: str, parts: Members) -> str:
    camel = CAMEL.get(key)
    return camel if camel is not None and camel not in parts else key
