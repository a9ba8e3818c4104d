"""How far a run is with one user, and what becomes of the user at its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sluice.looker.conversations import Listed
from sluice.looker.session import Session
from sluice.looker.verdict import Evidence, Skip, Trouble, is_own
from sluice.looker.window import Window

VANISHED_IN_DOUBT = 3
"""One or two conversations may be deleted between listing and fetch; so many, and none found, were not."""


class Outcome(StrEnum):
    FINISHED = "finished"
    """The whole window was listed, and everything in it was fetched, unchanged, gone or given up."""
    SKIPPED = "skipped"
    """The user cannot be read: disabled, deleted, not to be impersonated, or refused run after run."""
    FAILED = "failed"
    """Looker refused or failed to answer for the user or one of their conversations."""
    UNFINISHED = "unfinished"
    """The time budget ended first, or Looker went away."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A conversation that could not be fetched, and the text of Looker's answer.

    `before` counts what the run had fetched when it was asked for.
    """

    listed: Listed
    trouble: Trouble
    text: str
    before: int


class User:
    """A window being worked on. `pending` counts conversations queued or under way."""

    def __init__(self, window: Window, session: Session, listing: Iterator[list[Listed]], *, sampled: bool) -> None:
        self.window = window
        self.session = session
        self.pages = listing
        self.sampled = sampled
        self.listing = True
        self.listed = False
        self.pending = 0
        self.vanished = 0
        self.unfinished = False
        self.skip: Skip | None = None
        self.trouble: Trouble | None = None
        self.reason = ""
        self.before = 0
        self.refused: list[Refusal] = []

    @property
    def done(self) -> bool:
        """Whether nothing is left to judge at the end of the run."""
        return not (self.unfinished or self.skip or self.trouble or self.refused or self.vanished)

    @property
    def failed(self) -> bool:
        return bool(self.trouble or self.refused)

    def own(self, evidence: Evidence) -> bool:
        """Whether what failed is the user's own, and not Looker's as a whole."""
        if self.trouble is not None:
            return is_own(self.trouble, others=evidence.listed - self.before, alike=evidence.users.total())
        alike = evidence.conversations.total()
        return all(is_own(each.trouble, others=evidence.fetched - each.before, alike=alike) for each in self.refused)

    def outcome(self, evidence: Evidence, *, halted: bool) -> Outcome:
        """What becomes of the user. `halted`: Looker went away, so nothing is given up."""
        if self.skip is not None:
            return Outcome.SKIPPED
        if self.failed:
            if self.unfinished or halted or not self.window.last_chance or not self.own(evidence):
                return Outcome.FAILED
            return Outcome.SKIPPED if self.trouble is not None else Outcome.FINISHED
        if self.unfinished:
            return Outcome.UNFINISHED
        doubtful = self.vanished and not evidence.fetched and evidence.vanished >= VANISHED_IN_DOUBT
        return Outcome.FAILED if doubtful else Outcome.FINISHED
