"""JSON as it comes: split without materialising what is not needed, read where a strict reader would refuse.

`msgspec.Raw` is an unread piece of a document. A split costs one scan, however many levels it goes down; only what is
kept is ever decoded.
"""

import json
import math
from types import GenericAlias
from typing import Any

import msgspec

LONGEST_INTEGER = 4300
"""Characters. Python reads no longer one (sys.int_info.default_max_str_digits), and msgspec neither."""

type Part = bool | int | float | str | list[Part] | Members | msgspec.Raw | None
"""A value split as deep as was asked; what lies deeper is unread."""
type Members = dict[str, Part]
UNFINISHED = {msgspec.Raw, dict, list}
"""Types of parts that may have to be decoded, all or in part."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

DEEPEST = 8
"""Levels of objects in an element of a document's arrays: a message's heavy parts lie there, and no deeper."""
DEEPER = 1
"""Levels below an object that was left unread: an element of an array inside a message, such as a data source."""


def _value(levels: int, element: Any = msgspec.Raw) -> Any:
    """The type of a value: objects are split `levels` deep, arrays into `element`."""
    return bool | int | float | str | list[element] | _object(levels) | None


def _object(levels: int) -> Any:
    """The type of an object whose members are split `levels` deep."""
    return GenericAlias(dict, (str, _value(levels - 1) if levels else msgspec.Raw))


_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_DEEP: list[msgspec.json.Decoder[Members]] = [msgspec.json.Decoder(_object(levels)) for levels in range(DEEPEST + 1)]
# The elements of a document's arrays, messages among them, are split in the scan that finds them.
_DOCUMENT: msgspec.json.Decoder[Members] = msgspec.json.Decoder(
    GenericAlias(dict, (str, _value(0, element=_value(DEEPEST))))
)


def _number(text: str) -> float | str:
    """A number no float can hold (1e400) stays text instead of becoming infinity."""
    value = float(text)
    return value if math.isfinite(value) else text


def _integer(text: str) -> int | str:
    """Python refuses to read integers of thousands of digits; they stay text."""
    return int(text) if len(text) <= LONGEST_INTEGER else text


# The standard library reads what strict readers refuse: NaN, lone surrogates, integers of any length.
DECODER = json.JSONDecoder(parse_float=_number, parse_int=_integer, parse_constant=str)


class NotAnObject(ValueError):
    """JSON, but no object."""


def document(body: bytes) -> Members:
    """The members of a JSON object, its arrays' elements split as well. What a strict reader refuses is mended.

    Raises:
        ValueError: not JSON; UnicodeDecodeError: not UTF-8; NotAnObject.
        RecursionError: nested deeper than can be read.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return _DOCUMENT.decode(body)
    except msgspec.MsgspecError:
        return dict(_members(body))


def _members(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _OBJECT.decode(body)
    except msgspec.ValidationError as error:
        raise NotAnObject("not a JSON object") from error
    except msgspec.DecodeError:
        mended = _mend(body)
    try:
        return _OBJECT.decode(mended)
    except msgspec.ValidationError as error:
        raise NotAnObject("not a JSON object") from error


def _mend(body: bytes) -> bytes:
    text = json.dumps(DECODER.decode(body.decode("utf-8")), ensure_ascii=False)
    # Half a surrogate pair is no character: it becomes U+FFFD.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def loads(part: Part) -> Any:
    """The decoded value. What was split already is completed where it is."""
    if isinstance(part, msgspec.Raw):
        return _decoded(part)
    if isinstance(part, dict):
        for key, member in part.items():
            if type(member) in UNFINISHED:
                part[key] = loads(member)
    elif isinstance(part, list):
        part[:] = [loads(element) if type(element) in UNFINISHED else element for element in part]
    return part


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return DECODER.decode(str(memoryview(raw), "utf-8", "surrogatepass"))


def parsed(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none.
        RecursionError: nested deeper than can be read.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return DECODER.decode(text.strip())


def text(part: Part) -> str | None:
    """The text, read or unread; None for anything else."""
    if isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord('"'):
        return str(_decoded(part))
    return part if isinstance(part, str) else None


def is_null(part: Part) -> bool:
    return part is None or (isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord("n"))


def is_object(part: Part) -> bool:
    return isinstance(part, dict) or (isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord("{"))


def is_array(part: Part) -> bool:
    return isinstance(part, list) or (isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord("["))


def members(part: Part, deep: int = DEEPER) -> Members:
    """The members of an object, and theirs `deep` levels further down; empty for anything else.

    Where a number or a text on the way is one that a strict reader refuses, only one level is split.
    """
    if isinstance(part, dict):
        return part
    if not isinstance(part, msgspec.Raw) or not is_object(part):
        return {}
    try:
        return _DEEP[deep].decode(part)
    except msgspec.MsgspecError:
        return _DEEP[0].decode(part)


def elements(part: Part) -> list[Part]:
    """The elements of an array; empty for anything else."""
    if isinstance(part, list):
        return part
    return [*_ARRAY.decode(part)] if isinstance(part, msgspec.Raw) and is_array(part) else []
