"""The heavy parts of messages, serialised once and cut to size: a large body costs a copy and not an encoding."""

import base64
import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any, Self

from msgspec import Raw

from local.looker.cast import Explore

# Looker returns at most 5,000 rows a query; a wide explore has about a thousand fields.
MOST_ROWS = 5000
MOST_FIELDS = 1000
BLOB_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Series:
    """A JSON array held as bytes, of which any number of leading items can be cut."""

    joined: bytes
    ends: tuple[int, ...]

    @classmethod
    def of(cls, items: list[Any]) -> Self:
        texts = [json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode() for item in items]
        ends = tuple(accumulate(len(text) + 1 for text in texts))
        return cls(b",".join(texts), ends)

    def count(self, size: int) -> int:
        """How many items fit in `size` bytes; at least one."""
        return max(1, bisect_right(self.ends, size))

    def take(self, count: int) -> Raw:
        """The first `count` items as a JSON array."""
        return Raw(b"[" + self.joined[: self.ends[count - 1] - 1] + b"]") if count else Raw(b"[]")


@cache
def rows(explore: Explore) -> Series:
    """Result rows of an explore: `{field: text}`."""
    rng = Random(f"rows/{explore.model}/{explore.name}")
    return Series.of([_row(explore, index, rng) for index in range(MOST_ROWS)])


@cache
def formatted_rows(explore: Explore) -> Series:
    """The same kind of rows, formatted for display."""
    rng = Random(f"formatted/{explore.model}/{explore.name}")
    return Series.of([_row(explore, index, rng, "${:,.2f}") for index in range(MOST_ROWS)])


@cache
def fields(explore: Explore) -> Series:
    """Field descriptions of an explore's schema."""
    return Series.of([_field(explore, index) for index in range(MOST_FIELDS)])


@cache
def _blob() -> bytes:
    return base64.b64encode(Random("blob").randbytes(BLOB_BYTES * 3 // 4))


def text(size: int) -> Raw:
    """A JSON string of about `size` bytes that does not compress well, as images and signatures."""
    return Raw(b'"' + _blob()[: max(1, size)] + b'"')


def csv(explore: Explore, size: int) -> str:
    """CSV text of about `size` bytes."""
    line = f"Österreich,{12345.678},{42}\n"
    return ",".join(explore.fields) + "\n" + line * max(1, size // len(line))


def schema(explore: Explore, size: int) -> Raw:
    """An explore's schema of about `size` bytes: `{fields: [...], filters: []}`."""
    series = fields(explore)
    return Raw(b'{"fields":' + bytes(series.take(series.count(size))) + b',"filters":[]}')


def _row(explore: Explore, index: int, rng: Random, money: str = "{:.3f}") -> dict[str, str]:
    names = explore.fields
    return {
        names[0]: f"value {index} é",
        names[1]: money.format(rng.uniform(1, 1e6)),
        names[2]: str(rng.randrange(10**6)),
    }


def _field(explore: Explore, index: int) -> dict[str, Any]:
    view = explore.fields[0].split(".")[0]
    name = explore.fields[index] if index < len(explore.fields) else f"{view}.attribute_{index}"
    return {
        "name": name,
        "type": "NUMBER" if index % 3 else "STRING",
        "description": f"What {name} means to those who measure it; see the glossary, entry {index}.",
        "displayName": name.replace(".", " ").replace("_", " ").title(),
        "category": "MEASURE" if index % 3 else "DIMENSION",
        "synonyms": [f"{name} synonym", f"also {index}"],
    }
