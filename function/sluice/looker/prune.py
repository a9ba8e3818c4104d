"""One message of a conversation -> its canonical form, heavy parts dropped (the rules are in rules.py).

A message is whatever a client posted to Looker. Two shapes are known: plain (`message.systemMessage`) and debug, which
carries the same systemMessage again under `message.debugInfo.response.data`, with a `kind` and the model's request.
Both become `{id, type, order, timestamp, userMessage | systemMessage, ...every unknown key}`. Pure functions.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from sluice.looker import lenient
from sluice.looker.lenient import Members, Part
from sluice.looker.rules import CAMEL, NODES, RULES, Node, Rule

type Json = Any
type Load = Callable[[Part], Json]

_BEYOND_MICROSECONDS = re.compile(r"(:\d{2}[.,]\d{6})\d+")
# Levels between a message, or a systemMessage, and the results that hold its heavy parts: split no deeper than that.
_MESSAGE_LEVELS, _SYSTEM_MESSAGE_LEVELS = 4, 2
_PRECEDENCE = {rule.path: position for position, rule in enumerate(RULES)}


def canonical(message: msgspec.Raw) -> Json:
    """A canonical message: a new dict that shares nothing with its input. Never loses a part that no rule names."""
    if not lenient.is_object(message):
        return {"message": lenient.loads(message)}
    read = lenient.whole(message)
    if read is None:
        return _canonical(lenient.members(message, _MESSAGE_LEVELS), lenient.loads)
    return _canonical(read, _as_it_is)


def _as_it_is(value: Part) -> Json:
    return value


def _canonical(members: Members, load: Load) -> Json:
    """`load` reads what is kept of the members, as far as that is not read yet."""
    parts, colliding = _hoist(_camel(members))
    if "debugInfo" in parts:
        debug = _debug(parts["debugInfo"])
        if "systemMessage" in debug:
            _hoist_system_message(parts, debug["systemMessage"])
        if "timestamp" not in parts and "timestamp" in debug:
            parts["timestamp"] = debug["timestamp"]
    result = _keep_members(parts, NODES, load)
    if isinstance(result.get("timestamp"), str):
        result["timestamp"] = _BEYOND_MICROSECONDS.sub(r"\1", result["timestamp"])
    if isinstance(result.get("userMessage"), str):
        result["userMessage"] = {"text": result["userMessage"]}
    if colliding and (apart := _keep_members(colliding, NODES, load)):
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
    return outer | inner, colliding


def _debug(debug: Part) -> Members:
    data = lenient.members(lenient.members(debug).get("response")).get("data")
    return _camel(lenient.members(data))


def _hoist_system_message(parts: Members, nested: Part) -> None:
    """The debug copy completes the plain one; a copy that is no object only stands in for none at all."""
    top = parts.get("systemMessage")
    if lenient.is_object(top) and lenient.is_object(nested):
        parts["systemMessage"] = _camel(lenient.members(top)) | _camel(lenient.members(nested, _SYSTEM_MESSAGE_LEVELS))
    elif not lenient.is_object(top) and (lenient.is_object(nested) or top is None):
        parts["systemMessage"] = nested


def _keep(value: Part, node: Node, load: Load) -> Json:
    """The decoded value less what the rules below `node` drop."""
    if lenient.is_object(value):
        return _keep_members(_camel(lenient.members(value)), node, load)
    each = node.get("[]")
    if isinstance(each, dict) and lenient.is_array(value):
        return [_keep(element, each, load) for element in lenient.elements(value)]
    return load(value)


def _keep_members(parts: Members, node: Node, load: Load) -> dict[str, Json]:
    """What was read already is changed where it is."""
    ruled = [key for key in parts if key in node]
    kept: dict[str, Json] = parts
    if load is not _as_it_is:
        kept = {key: None if key in ruled else load(value) for key, value in parts.items()}
    dropped: list[tuple[Rule, Part]] = []
    for key in ruled:
        child, value = node[key], parts[key]
        if isinstance(child, Rule):
            dropped.append((child, value))
            del kept[key]
        else:
            kept[key] = _keep(value, child, load)
    if dropped:
        for rule, value in sorted(dropped, key=lambda each: _PRECEDENCE[each[0].path]):
            if rule.summary is not None:
                kept = rule.summary(value) | kept
    return kept


def _camel(parts: Members) -> Members:
    """Known keys spelled in snake_case take their usual spelling, unless that is taken."""
    if CAMEL.keys().isdisjoint(parts):
        return parts
    return {_spelling(key, parts): value for key, value in parts.items()}


def _spelling(key: str, parts: Members) -> str:
    camel = CAMEL.get(key)
    return camel if camel is not None and camel not in parts else key
