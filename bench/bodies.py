"""Bodies of conversations, serialised beforehand: the simulator's own, cut where a copy must differ."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path

from local.looker.conversations import Conversation
from local.looker.population import Population

COUNT = 40
MESSAGES = range(8, 21)
UNKNOWN = re.compile(rb'"(?:reactions|client_build|confidence|pinned_by)"')
"""The keys that the simulator adds and no reference documents."""
UPDATED = re.compile(rb'(?<="updated_at":")[^"]*')


@dataclass(frozen=True)
class Body:
    """A body in four pieces; between them stand the id, the user and the time of the last change."""

    pieces: tuple[bytes, bytes, bytes, bytes]

    def head(self, conversation_id: str, user_id: str, updated_at: str) -> bytes:
        """All but the last piece, which holds nearly everything and need not be copied."""
        before, middle, after, _ = self.pieces
        return b"".join(
            (before, conversation_id.encode(), middle, user_id.encode(), after, updated_at.encode()),
        )

    @property
    def tail(self) -> bytes:
        return self.pieces[3]

    def whole(self) -> bytes:
        return self.head("1", "1", "2026-01-01T00:00:00Z") + self.tail


@functools.cache
def bodies(kb: int) -> tuple[Body, ...]:
    """COUNT bodies of 8 to 20 messages and of 0.4 to 1.6 times `kb`, in all shapes; each tenth has unknown keys."""
    candidates = _rendered(kb)
    plain: list[Body] = []
    odd: list[Body] = []
    while len(plain) + len(odd) < COUNT:
        text = next(candidates)
        chosen, most = (odd, COUNT // 10) if UNKNOWN.search(text) else (plain, COUNT - COUNT // 10)
        if len(chosen) < most:
            chosen.append(_cut(text))
    step = len(plain) // len(odd)
    for position, body in enumerate(odd):
        plain.insert(position * (step + 1), body)
    return tuple(plain)


def written(kb: int, folder: Path) -> Path:
    """The file of `folder` that holds them: to render them takes seconds, and many servers want the same."""
    file = folder / f"bodies-{kb}"
    if not file.exists():
        # JSON holds no NUL.
        file.write_bytes(b"\0".join(piece for body in bodies(kb) for piece in body.pieces))
    return file


def read(file: Path) -> tuple[Body, ...]:
    """What `written` wrote."""
    pieces = batched(file.read_bytes().split(b"\0"), 4, strict=True)
    return tuple(Body((before, middle, after, tail)) for before, middle, after, tail in pieces)


def _rendered(kb: int) -> Iterator[bytes]:
    wanted = range(int(kb * 400), int(kb * 1600))
    population = Population(seed=11, users=1, conversations=10_000, mean_kb=kb)
    for conversation in population.conversations_of(population.users[0].key):
        if len(conversation.sent() or ()) in MESSAGES and len(text := _marked(conversation)) in wanted:
            yield text
    raise AssertionError(f"the simulator has not {COUNT} bodies of about {kb} KB")


def _marked(conversation: Conversation) -> bytes:
    return UPDATED.sub(b"@cut@", replace(conversation, id="@cut@", user_id="@cut@").body(), count=1)


def _cut(text: bytes) -> Body:
    before, middle, after, tail = text.split(b"@cut@")
    return Body((before, middle, after, tail))
