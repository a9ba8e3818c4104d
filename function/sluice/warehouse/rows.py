"""A row as one line of newline-delimited JSON that BigQuery will take, or a RowError that says why it would not.

What BigQuery's JSON refuses is mended here, visibly: half surrogate pairs become U+FFFD, integers beyond 64 bits and
numbers that are not finite become text, what is nested too deep becomes its own JSON text, and texts longer than
allowed are cut with a marker.
"""

import codecs
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, overload

import msgspec
from google.cloud.bigquery import SchemaField

MAX_DEPTH = 499
"""BigQuery's JSON type holds 500 levels of nesting; one is left for the array around an element."""
MAX_ROW_BYTES = 40_000_000
"""BigQuery takes rows of 100 MB; the commit joins a row with the one that is held of the same conversation."""
VALUE_BYTES = 8
"""Added for each value: a small number takes more room inside BigQuery than in its text."""
PART_CHARACTERS = 4_000_000
LONGEST_PART_BYTES = 4 * PART_CHARACTERS
FIRST_DAY, LAST_DAY = datetime(1970, 1, 1, tzinfo=UTC), datetime(2159, 12, 31, tzinfo=UTC)
"""Partitions by day that DML can write (cloud.google.com/bigquery/docs/partitioned-tables#limitations)."""

_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_MANY_DIGITS = b"0" * 19
"""As `_DIGITS` translates them: to search for that takes a tenth of what a regular expression takes."""
_INTEGERS = range(-(2**63), 2**64)
_INT64 = range(-(2**63), 2**63)


class RowError(ValueError):
    """The row cannot be loaded; the message names the column, never its value."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value that is JSON already, and how many of its texts were cut."""

    text: bytes
    cut: int = 0


def encode_json(value: Any, max_string_bytes: int) -> Encoded:
    """`value` as compact JSON that a JSON column takes.

    Raises:
        RowError: nested too deep to be read at all.
    """
    try:
        text = msgspec.json.encode(value)
        if not _suspicious(value, text, max_string_bytes):
            return Encoded(text)
    except (UnicodeEncodeError, RecursionError):
        pass  # mended below
    cleaner = _Cleaner(max_string_bytes)
    try:
        return Encoded(msgspec.json.encode(cleaner.clean(value)), cleaner.cut)
    except RecursionError as error:
        raise RowError("nested too deep to be read") from error


def encode_array(values: Sequence[Any], max_string_bytes: int) -> Encoded:
    """An array as compact JSON: at once, or element by element, so that no odd element slows the others down."""
    try:
        text = msgspec.json.encode(values)
        if not _suspicious(values, text, max_string_bytes):
            return Encoded(text)
    except (UnicodeEncodeError, RecursionError):
        pass  # told apart below
    elements = [encode_json(value, max_string_bytes) for value in values]
    return Encoded(b"[%s]" % b",".join(each.text for each in elements), sum(each.cut for each in elements))


def _suspicious(value: Any, text: bytes, max_string_bytes: int) -> bool:
    """Whether a value may hold anything to mend: told from its whole text, since nearly none does."""
    return (
        len(text) > max_string_bytes
        or text.count(b"[") + text.count(b"{") > MAX_DEPTH
        or _MANY_DIGITS in text.translate(_DIGITS)
        # A number that is not finite is written as null, and equals nothing it can be read as.
        or (b"null" in text and msgspec.json.decode(text) != value)
    )


class _Cleaner:
    def __init__(self, max_string_bytes: int) -> None:
        self._max_string_bytes = max_string_bytes
        self.cut = 0

    def clean(self, value: Any, depth: int = 1) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return value if value in _INTEGERS else str(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth > MAX_DEPTH:
            return self.text(json.dumps(value))
        if isinstance(value, dict):
            return {self.text(key): self.clean(member, depth + 1) for key, member in value.items()}
        return [self.clean(element, depth + 1) for element in value]

    def text(self, value: str) -> str:
        if not value.isascii():
            value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        size = len(value) if value.isascii() else len(value.encode())
        if size <= self._max_string_bytes:
            return value
        self.cut += 1
        kept = value.encode()[: self._max_string_bytes].decode("utf-8", "ignore")
        return f"{kept}…[cut: {size - self._max_string_bytes} more bytes]"


class Encoder:
    """Makes lines for a table of one schema; columns without a value are left out."""

    def __init__(self, schema: Sequence[SchemaField], max_string_bytes: int) -> None:
        self._kinds = {field.name: field.field_type for field in schema}
        self._required = [field.name for field in schema if field.mode == "REQUIRED"]
        self._max_string_bytes = max_string_bytes

    def encode(self, row: Mapping[str, Any]) -> Encoded:
        """One line.

        Values are what the column's type needs: text, integers, booleans, datetimes or RFC 3339 text, anything JSON for
        a JSON column (or `Encoded`). Keys that are no column are an error of the caller.

        Raises:
            RowError: a required value is missing, or a value does not fit its column.
        """
        unknown = row.keys() - self._kinds.keys()
        if unknown:
            raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
        for name in self._required:
            if row.get(name) is None:
                raise RowError(f"{name} is missing")
        ready = {name: value for name, value in row.items() if isinstance(value, Encoded)}
        values = {
            name: _fitting(name, self._kinds[name], value)
            for name, value in row.items()
            if value is not None and name not in ready
        }
        members = self._together(values)
        if members is None:
            ready |= {name: encode_json(value, self._max_string_bytes) for name, value in values.items()}
        columns = [*filter(None, [members]), *(b'"%s":%s' % (name.encode(), ready[name].text) for name in ready)]
        line = b"{%s}\n" % b",".join(columns)
        if (weight := _weight(line)) > MAX_ROW_BYTES:
            raise RowError(f"the row has {weight} bytes inside BigQuery, the most is {MAX_ROW_BYTES}")
        return Encoded(line, sum(each.cut for each in ready.values()))

    def _together(self, values: Mapping[str, Any]) -> bytes | None:
        """The members of an object, written at once; None where any of them may have to be mended."""
        try:
            text = msgspec.json.encode(values)
        except (UnicodeEncodeError, RecursionError):
            return None
        return None if _suspicious(values, text, self._max_string_bytes) else text[1:-1]


def _weight(line: bytes) -> int:
    """Bytes that a row may take inside BigQuery; counted only where it could be too many."""
    small = len(line) * (VALUE_BYTES + 2) <= 2 * MAX_ROW_BYTES
    return len(line) if small else len(line) + VALUE_BYTES * line.count(b",")


def partition_day(created_at: datetime | None) -> datetime | None:
    """The day of a partition.

    Raises:
        RowError: no partition of that day can be written.
    """
    if created_at is not None and not FIRST_DAY <= created_at < LAST_DAY + timedelta(days=1):
        raise RowError("created_at is outside 1970 to 2159, which BigQuery does not partition")
    return created_at


def _fitting(name: str, kind: str, value: Any) -> Any:
    if kind == "JSON":
        return value
    try:
        return _SCALARS[kind](value)
    except (ValueError, OverflowError) as error:
        raise RowError(f"{name} is not a valid {kind}") from error


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    raise ValueError


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _timestamp(value: Any) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError  # noqa: TRY004 -- as for every value that does not fit
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


_SCALARS = {"STRING": _string, "INTEGER": _integer, "INT64": _integer, "BOOL": _boolean, "BOOLEAN": _boolean}
_SCALARS["TIMESTAMP"] = _timestamp


class Parts(Sequence[str]):
    """A body as text, in pieces that each fit a row; bytes that are not UTF-8 are backslash-escaped.

    A piece is made when it is asked for, in order, so that a body of 150 MB is not held twice.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._count = sum(1 for _ in self._pieces())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return self._pieces()

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return list(self)[index]

    def _pieces(self) -> Iterator[str]:
        decoder, text, empty = codecs.getincrementaldecoder("utf-8")("backslashreplace"), "", True
        for start in range(0, len(self._body), PART_CHARACTERS):
            text += decoder.decode(self._body[start : start + PART_CHARACTERS])
            while len(text) > PART_CHARACTERS:
                yield text[:PART_CHARACTERS]
                text, empty = text[PART_CHARACTERS:], False
        text += decoder.decode(b"", final=True)
        while text or empty:
            yield text[:PART_CHARACTERS]
            text, empty = text[PART_CHARACTERS:], False
