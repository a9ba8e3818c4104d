"""Which versions of which conversations the warehouse holds, in eight bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Held:
    """What a conversation looked like when it was fetched."""

    owner: str
    updated_at: datetime
    message_count: int
    raw_bytes: int


class Versions:
    """A set of (id, updated_at, deleted, owner), kept as sorted 64-bit digests: a million take 8 MB.

    `fresh` holds by id those that were fetched within a day of their last change, lately.

    Two versions share a digest with a probability of 5e-8 for a million lookups among a million; the later one would
    then count as held until the conversation changes again.
    """

    def __init__(
        self, versions: Iterable[tuple[str, datetime, bool, str]] = (), fresh: Mapping[str, Held] | None = None
    ) -> None:
        self.fresh: Mapping[str, Held] = {} if fresh is None else fresh
        self._digests = array("Q", sorted(_digest(*version) for version in versions))

    def __len__(self) -> int:
        return len(self._digests)

    def holds(self, id: str, updated_at: datetime | None, deleted: bool, owner: str) -> bool:
        """Whether that very version is held; a version without a time never is."""
        if updated_at is None:
            return False
        digest = _digest(id, updated_at, deleted, owner)
        position = bisect_left(self._digests, digest)
        return position < len(self._digests) and self._digests[position] == digest


def _digest(id: str, updated_at: datetime, deleted: bool, owner: str) -> int:
    text = f"{id}\0{updated_at.timestamp():.6f}\0{deleted}\0{owner}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
