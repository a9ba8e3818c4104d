"""JSON as it comes: split without materialising what is not needed, read where a strict reader would refuse.

`msgspec.Raw` is an unread piece of a document. A split costs one scan, however many levels it goes down; only what is
kept is ever decoded.
"""

import json
import math
from types import GenericAlias
from typing import Any

import msgspec

LONGEST_INTEGER = 1000
"""Digits."""
SMALL = 4096
"""Bytes. Up to here, to read everything costs less than to split."""

_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_TOO_MANY_DIGITS = b"0" * (LONGEST_INTEGER + 1)

type Part = bool | int | float | str | list[msgspec.Raw] | Members | msgspec.Raw | None
"""A value split as deep as was asked; what lies deeper is unread."""
type Members = dict[str, Part]

DEEPEST = 4


def _object(levels: int) -> Any:
    """The type of an object whose members are split `levels` deep."""
    deeper: Any = msgspec.Raw
    if levels:
        deeper = bool | int | float | str | list[msgspec.Raw] | _object(levels - 1) | None
    return GenericAlias(dict, (str, deeper))


_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_DEEP: list[msgspec.json.Decoder[Members]] = [msgspec.json.Decoder(_object(levels)) for levels in range(DEEPEST + 1)]
# No numbers: which of them a document may hold is for the standard library to say.
_DOCUMENT: msgspec.json.Decoder[Members] = msgspec.json.Decoder(
    GenericAlias(dict, (str, bool | str | list[msgspec.Raw] | _object(0) | None))
)


def _number(text: str) -> float | str:
    """A number no float can hold (1e400) stays text instead of becoming infinity."""
    value = float(text)
    return value if math.isfinite(value) else text


def _integer(text: str) -> int | str:
    """Python refuses to read integers of thousands of digits; they stay text."""
    return int(text) if len(text) <= LONGEST_INTEGER else text


# The standard library reads what strict readers refuse: NaN, lone surrogates, integers of any length.
_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_integer, parse_constant=str)


def document(body: bytes) -> Members:
    """The members of a JSON object, arrays and objects among them split once. What a strict reader refuses is mended.

    Raises:
        ValueError: not JSON, not UTF-8, or not an object.
        RecursionError: nested deeper than can be read.
    """
    try:
        return _DOCUMENT.decode(body)
    except msgspec.MsgspecError:
        return dict(_members(body))


def _members(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _OBJECT.decode(body)
    except msgspec.ValidationError as error:
        raise ValueError("not a JSON object") from error
    except msgspec.DecodeError:
        return _OBJECT.decode(_mend(body))


def _mend(body: bytes) -> bytes:
    text = json.dumps(_DECODER.decode(body.decode("utf-8")), ensure_ascii=False)
    # Half a surrogate pair is no character: it becomes U+FFFD.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def loads(part: Part) -> Any:
    """The decoded value."""
    if isinstance(part, msgspec.Raw):
        return _decoded(part)
    if isinstance(part, dict):
        return {key: loads(member) for key, member in part.items()}
    return [loads(element) for element in part] if isinstance(part, list) else part


def whole(part: msgspec.Raw) -> Any:
    """The decoded value of something small; None where splitting is better, or a strict reader refuses it."""
    text = memoryview(part)
    if len(text) > SMALL:
        return None
    if len(text) > LONGEST_INTEGER and _TOO_MANY_DIGITS in bytes(text).translate(_DIGITS):
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return None


def _decoded(raw: msgspec.Raw) -> Any:
    text = memoryview(raw)
    # So short a text holds no integer that is too long: the strict reader agrees with the other, or refuses.
    if len(text) <= LONGEST_INTEGER:
        try:
            return msgspec.json.decode(text)
        except msgspec.MsgspecError:
            pass  # read below
    return _DECODER.decode(str(text, "utf-8", "surrogatepass"))


def is_null(part: Part) -> bool:
    return part is None or (isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord("n"))


def is_object(part: Part) -> bool:
    return isinstance(part, dict) or (isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord("{"))


def is_array(part: Part) -> bool:
    return isinstance(part, list) or (isinstance(part, msgspec.Raw) and memoryview(part)[0] == ord("["))


def members(part: Part, deep: int = 0) -> Members:
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


def elements(part: Part) -> list[msgspec.Raw]:
    """The elements of an array, unread; empty for anything else."""
    if isinstance(part, list):
        return part
    return _ARRAY.decode(part) if isinstance(part, msgspec.Raw) and is_array(part) else []
