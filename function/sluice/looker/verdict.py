"""One user, or all of them? What a run may conclude from what Looker refused, and what not.

Nothing here asks Looker or waits: the fan-out reports what it met, these rules say what follows.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from sluice.errors import (
    ConversationsUnavailable,
    ImpersonationRefused,
    LookerError,
    LookerMalformed,
    LookerRefused,
    LookerUnavailable,
)

REFUSALS_IN_DOUBT = 10
"""So many users unread and none read: from here on, only a sample of the others is tried."""
SAMPLE_SIZE = 10
"""Drawn from all who wait. When none of them can be read either, it is Looker and not the user."""


class Skip(StrEnum):
    """Why a user is left out, by what the API says of the user."""

    DISABLED = "disabled"
    DELETED = "deleted"
    REFUSED = "impersonation refused"


class Trouble(StrEnum):
    """What kept a user or a conversation from being read."""

    IMPERSONATION = "impersonation"
    """Sudo was refused for a user who is enabled, as far as can be seen."""
    HIDDEN = "hidden"
    """Sudo was forbidden, and the user is not shown either: deleted, or the API key may see no users."""
    REFUSED = "refused"
    """A status of 4xx."""
    BROKEN = "broken"
    """An answer, but HTTP 500, after every retry."""
    AWAY = "away"
    """No answer, 429, or 502-504, after every retry."""
    MALFORMED = "malformed"
    """An answer that is not what the API documents."""


ANSWERED = set(Trouble) - {Trouble.AWAY}


def trouble(error: LookerError) -> Trouble:
    if isinstance(error, LookerUnavailable):
        return Trouble.AWAY
    if not isinstance(error, LookerRefused):
        return Trouble.MALFORMED
    if error.code >= 500:
        return Trouble.BROKEN
    return Trouble.IMPERSONATION if error.step == ImpersonationRefused.step else Trouble.REFUSED


def standing(sudo: int, look: int, *, disabled: bool) -> Skip | Trouble:
    """What a refused sudo tells, with the look at the user.

    Args:
        sudo: status of the refusal, 403 or 404
        look: status of `GET /users/{id}`, asked as admin
        disabled: its `is_disabled`
    """
    if look == 200:
        return Skip.DISABLED if disabled else Trouble.IMPERSONATION
    if look == 404:
        return Skip.DELETED if sudo == 404 else Trouble.HIDDEN
    return Trouble.BROKEN if look >= 500 else Trouble.IMPERSONATION


@dataclass(slots=True)
class Evidence:
    """What a run has met so far. Not thread-safe: the fan-out's lock guards it."""

    listed: int = 0
    """Users of whom at least one page was listed."""
    fetched: int = 0
    vanished: int = 0
    users: Counter[Trouble] = field(default_factory=Counter)
    """Users of whom nothing could be listed. Disabled and deleted ones are not among them: they prove nothing."""
    conversations: Counter[Trouble] = field(default_factory=Counter)
    sample: int = 0
    """Those of `users` that were tried in doubt."""

    @property
    def in_doubt(self) -> bool:
        return not self.listed and self.users.total() - self.users[Trouble.HIDDEN] >= REFUSALS_IN_DOUBT

    @property
    def conclusive(self) -> bool:
        return self.in_doubt and self.sample >= SAMPLE_SIZE

    def unlisted(self) -> LookerError:
        """The run's error where no user could be listed."""
        number = self.users.total()
        kind, most = _kinds(self.users).most_common(1)[0]
        tried = "the only user tried" if number == 1 else f"all of the {number} users tried"
        tried = tried if most == number else f"{most} of the {number} users tried, and none of the others could be read"
        if kind is Trouble.IMPERSONATION:
            return ImpersonationRefused(f"Looker refused to impersonate {tried}")
        if kind is Trouble.AWAY:
            return LookerUnavailable(f"Looker did not list the conversations of {tried}", step="list")
        if kind is Trouble.MALFORMED:
            return LookerMalformed(f"Looker's listing of conversations could not be read for {tried}", step="list")
        return ConversationsUnavailable(f"Looker refused the conversations of {tried}")

    def unfetched(self) -> LookerError:
        """The run's error where conversations were listed and none could be fetched."""
        number = self.conversations.total()
        kind, _ = _kinds(self.conversations).most_common(1)[0]
        if kind is Trouble.AWAY:
            return LookerUnavailable(f"Looker gave none of the {number} conversations asked for", step="fetch")
        return ConversationsUnavailable(f"Looker refused all of the {number} conversations asked for", step="fetch")


def whole(evidence: Evidence, *, finished: bool, others: bool) -> LookerError | None:
    """The run's error at its end, where it read nothing at all; None where what went wrong belongs to some users.

    Args:
        finished: whether any user's window is done
        others: whether users were left out because nothing was to be expected of them; a single one who is refused
            then says nothing about them
    """
    if finished or evidence.fetched:
        return None
    if not evidence.listed:
        tried = evidence.users.total()
        return evidence.unlisted() if tried > (1 if others else 0) else None
    return evidence.unfetched() if evidence.conversations.total() >= REFUSALS_IN_DOUBT else None


def is_own(met: Trouble, *, others: int, alike: int) -> bool:
    """Whether trouble belongs to that user or conversation alone.

    Args:
        others: how many others Looker gave since this one was asked for
        alike: how many in the run had trouble
    """
    return others > 0 or (met in ANSWERED and alike < REFUSALS_IN_DOUBT)


def _kinds(met: Counter[Trouble]) -> Counter[Trouble]:
    """The four things an operator can tell apart."""
    same = {Trouble.HIDDEN: Trouble.IMPERSONATION, Trouble.BROKEN: Trouble.AWAY}
    kinds: Counter[Trouble] = Counter()
    for each, number in met.items():
        kinds[same.get(each, each)] += number
    return kinds
