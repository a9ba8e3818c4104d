"""Some of what the warehouse holds is fetched again: the only way to see whether `updated_at` tells every change."""

import random
from collections.abc import Mapping
from dataclasses import replace

from sluice.looker.conversations import Conversation, Listed, Unreadable, timestamp
from sluice.looker.window import Window
from sluice.report import Row
from sluice.warehouse.versions import Held

MAX_RECHECKS = 100
"""A run; of more candidates, so many by chance."""


class Recheck:
    """`held` are the candidates by id: conversations that were fetched while they were fresh, and may have gone on."""

    def __init__(self, held: Mapping[str, Held], most: int = MAX_RECHECKS) -> None:
        self._held = held
        self._left = most
        self._share = most / max(most, len(held), 1)

    def wants(self, listed: Listed) -> bool:
        """Whether to fetch it although its version is held. Not thread-safe: the fan-out asks under its lock."""
        if listed.id not in self._held or not self._left or random.random() >= self._share:
            return False
        self._left -= 1
        return True

    def judged(self, window: Window, found: Conversation | Unreadable, row: Row) -> Row:
        """The row; without lines where the warehouse holds the very same, marked where it changed unannounced."""
        held = self._held.get(found.listed.id)
        if held is None or row.rejected or isinstance(found, Unreadable):
            return row
        owner = str(found.fields.get("user_id") or window.user_id)
        if (owner, timestamp(found.fields.get("updated_at"))) != (held.owner, held.updated_at):
            return row
        if (row.messages, row.raw_bytes) == (held.message_count, held.raw_bytes):
            return replace(row, lines=(), repeated=True)
        return replace(row, unannounced=row.messages != held.message_count and not found.listed.is_day)
