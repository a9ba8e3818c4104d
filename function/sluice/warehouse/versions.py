"""Which versions of which conversations the warehouse holds, in eight bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b


class Versions:
    """A set of (id, updated_at, deleted), kept as sorted 64-bit digests: a million take 8 MB.

    Two versions share a digest with a probability of 5e-8 for a million lookups among a million; the later one would
    then count as held until the conversation changes again.
    """

    def __init__(self, versions: Iterable[tuple[str, datetime, bool]] = ()) -> None:
        self._digests = array("Q", sorted(_digest(*version) for version in versions))

    def __len__(self) -> int:
        return len(self._digests)

    def holds(self, id: str, updated_at: datetime | None, deleted: bool) -> bool:
        """Whether that very version is held; a version without a time never is."""
        if updated_at is None:
            return False
        digest = _digest(id, updated_at, deleted)
        position = bisect_left(self._digests, digest)
        return position < len(self._digests) and self._digests[position] == digest


def _digest(id: str, updated_at: datetime, deleted: bool) -> int:
    text = f"{id}\0{updated_at.timestamp():.6f}\0{deleted}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
