"""One message of a conversation -> its canonical form, heavy parts dropped (the rules are in rules.py).

A message is whatever a client posted to Looker (shapes.py tells which shapes are known). All of them become
`{id, type, order, timestamp, userMessage | systemMessage, ...every unknown key}`. Pure functions.
"""

from operator import itemgetter
from typing import Any

from sluice.looker import bulk, lenient, shapes
from sluice.looker.lenient import Members, Part
from sluice.looker.rules import NODES, REST, RULES, Content, Node, Rule

type Json = Any

_PRECEDENCE = {rule: position for position, rule in enumerate(RULES)}


def canonical(message: Part) -> Json:
    """A canonical message; what was split of it already becomes part of it. Never loses a part that is no data."""
    message = shapes.parsed(message)
    if not lenient.is_object(message):
        return {"message": bounded(message)}
    parts, colliding = shapes.opened(message)
    shapes.named(parts)
    if "debugInfo" in parts:
        debug = _debug(parts["debugInfo"])
        if "systemMessage" in debug:
            _hoist_system_message(parts, debug["systemMessage"])
        if "timestamp" not in parts and "timestamp" in debug:
            parts["timestamp"] = debug["timestamp"]
    result = _keep_members(parts, NODES)
    shapes.complete(result)
    if colliding and (apart := _keep_members(colliding, NODES)):
        result["message"] = {**apart, "message": result["message"]} if "message" in result else apart
    return result


def bounded(part: Part) -> Json:
    """The decoded value of what no rule knows, without its data and without the heavy parts of messages inside it."""
    value = lenient.loads(part)
    return bulk.bounded(value, _MESSAGES) if isinstance(value, dict | list) else value


def _said(value: Json) -> Json:
    node = NODES["systemMessage"]
    return _keep(value, node) if isinstance(node, dict) else value


_MESSAGES = {"systemMessage": _said, "system_message": _said}


def _debug(debug: Part) -> Members:
    data = lenient.members(lenient.members(debug).get("response")).get("data")
    return shapes.camel(lenient.members(data))


def _hoist_system_message(parts: Members, nested: Part) -> None:
    """The debug copy completes the plain one; a copy that is no object only stands in for none at all."""
    top = parts.get("systemMessage")
    if lenient.is_object(top) and lenient.is_object(nested):
        parts["systemMessage"] = shapes.camel(lenient.members(top)) | shapes.camel(lenient.members(nested))
    elif not lenient.is_object(top) and (lenient.is_object(nested) or top is None):
        parts["systemMessage"] = nested


def _keep(value: Part, node: Node) -> Json:
    """The decoded value less what the rules below `node` drop."""
    if lenient.is_object(value):
        return _keep_members(shapes.camel(lenient.members(value)), node)
    each = node.get("[]")
    if isinstance(each, dict) and lenient.is_array(value):
        return [_keep(element, each) for element in lenient.elements(value)]
    return _unknown(value, node)


def _keep_members(parts: Members, node: Node) -> dict[str, Json]:
    dropped: list[tuple[str, Rule]] = []
    for key, value in parts.items():
        child = node.get(key)
        if child is None:
            if type(value) in lenient.UNFINISHED:
                if value:  # nearly all are empty
                    parts[key] = _unknown(value, node)
            elif isinstance(value, str) and len(value) > bulk.MAX_TEXT and node is not NODES and REST not in node:
                parts[key] = bulk.text(key, value, _MESSAGES)
        elif isinstance(child, Rule):
            dropped.append((key, child))
        elif isinstance(child, Content):
            parts[key] = lenient.loads(value)
        else:
            parts[key] = _keep(value, child)
    return _without(parts, dropped) if dropped else parts


def _unknown(value: Part, node: Node) -> Json:
    return lenient.loads(value) if REST in node else bounded(value)


def _without(parts: Members, dropped: list[tuple[str, Rule]]) -> dict[str, Json]:
    """What the first rules say of a dropped part counts more than what later ones do; what was there counts most."""
    told = [(_PRECEDENCE[rule], rule.summary, parts.pop(key)) for key, rule in dropped]
    summaries = [(rank, summary(value)) for rank, summary, value in told if summary is not None]
    for _, summary in sorted(summaries, key=itemgetter(0)):
        parts = summary | parts
    return parts
