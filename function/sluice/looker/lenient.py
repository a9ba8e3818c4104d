"""JSON as it comes: split without materialising what is not needed, read where a strict reader would refuse.

`msgspec.Raw` is an unread piece of a document. Splitting costs a scan; only what is kept is ever decoded.
"""

import json
import math
from typing import Any

import msgspec

LONGEST_INTEGER = 1000
"""Digits."""

type Members = dict[str, msgspec.Raw]

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


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
    """The members of a JSON object, unread. What a strict reader refuses is mended first.

    Raises:
        ValueError: not JSON, not UTF-8, or not an object.
        RecursionError: nested deeper than can be read.
    """
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


def loads(raw: msgspec.Raw) -> Any:
    """The decoded value."""
    return _DECODER.decode(str(memoryview(raw), "utf-8", "surrogatepass"))


def is_object(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(memoryview(raw)[:1]) == b"{"


def is_array(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(memoryview(raw)[:1]) == b"["


def members(raw: msgspec.Raw | None) -> Members:
    """The members of an object, unread; empty for anything else."""
    return _OBJECT.decode(raw) if raw is not None and is_object(raw) else {}


def elements(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The elements of an array, unread; empty for anything else."""
    return _ARRAY.decode(raw) if raw is not None and is_array(raw) else []
