"""What may be concluded from what Looker refused: every rule, without a Looker."""

from collections import Counter

import pytest

from sluice.errors import (
    ConversationsUnavailable,
    ImpersonationRefused,
    LookerError,
    LookerMalformed,
    LookerRefused,
    LookerUnavailable,
)
from sluice.looker.verdict import (
    REFUSALS_IN_DOUBT,
    SAMPLE_SIZE,
    Evidence,
    Skip,
    Trouble,
    is_own,
    standing,
    trouble,
    whole,
)

T = Trouble


def refused(code: int, step: str = "looker") -> LookerRefused:
    error = LookerRefused("x", code=code)
    error.step = step
    return error


@pytest.mark.parametrize(
    ("error", "met"),
    [
        (LookerUnavailable("x"), T.AWAY),
        (LookerMalformed("x"), T.MALFORMED),
        (refused(500), T.BROKEN),
        (refused(500, "impersonate"), T.BROKEN),
        (refused(403), T.REFUSED),
        (refused(422), T.REFUSED),
        (refused(403, "impersonate"), T.IMPERSONATION),
        (refused(400, "impersonate"), T.IMPERSONATION),
    ],
)
def test_what_an_error_is(error: LookerError, met: Trouble) -> None:
    assert trouble(error) is met


@pytest.mark.parametrize(
    ("sudo", "look", "disabled", "found"),
    [
        (403, 200, True, Skip.DISABLED),
        (404, 200, True, Skip.DISABLED),
        (403, 200, False, T.IMPERSONATION),
        (404, 200, False, T.IMPERSONATION),
        (404, 404, False, Skip.DELETED),
        # An API key that may not see users is answered 404, too.
        (403, 404, False, T.HIDDEN),
        (403, 403, False, T.IMPERSONATION),
        (403, 500, False, T.BROKEN),
    ],
)
def test_why_a_user_may_not_be_impersonated(sudo: int, look: int, disabled: bool, found: Skip | Trouble) -> None:
    assert standing(sudo, look, disabled=disabled) is found


@pytest.mark.parametrize(
    ("users", "sample", "listed", "in_doubt", "conclusive"),
    [
        ({}, 0, 0, False, False),
        ({T.IMPERSONATION: REFUSALS_IN_DOUBT - 1}, 0, 0, False, False),
        ({T.IMPERSONATION: REFUSALS_IN_DOUBT}, 0, 0, True, False),
        ({T.IMPERSONATION: 500}, SAMPLE_SIZE - 1, 0, True, False),
        ({T.IMPERSONATION: 20}, SAMPLE_SIZE, 0, True, True),
        ({T.REFUSED: 5, T.AWAY: 5}, SAMPLE_SIZE, 0, True, True),
        # One user who was listed is the proof that users can be.
        ({T.IMPERSONATION: 500}, SAMPLE_SIZE, 1, False, False),
        # Users who are not shown may be gone: they prove nothing, however many.
        ({T.HIDDEN: 500}, SAMPLE_SIZE, 0, False, False),
        ({T.HIDDEN: 500, T.IMPERSONATION: REFUSALS_IN_DOUBT}, 0, 0, True, False),
    ],
)
def test_when_a_run_stops_before_its_end(
    users: dict[Trouble, int], sample: int, listed: int, in_doubt: bool, conclusive: bool
) -> None:
    evidence = Evidence(listed=listed, users=Counter(users), sample=sample)
    assert (evidence.in_doubt, evidence.conclusive) == (in_doubt, conclusive)


def test_the_bounds_of_a_verdict() -> None:
    """More of them cost requests to a Looker that refuses all; fewer would be a verdict on all from a few."""
    assert (REFUSALS_IN_DOUBT, SAMPLE_SIZE) == (10, 10)


@pytest.mark.parametrize(
    ("users", "others", "error", "text"),
    [
        ({}, False, None, ""),
        ({T.IMPERSONATION: 1}, False, ImpersonationRefused, "impersonate the only user tried"),
        # The others rest: one who is refused says nothing about them, two do.
        ({T.IMPERSONATION: 1}, True, None, ""),
        ({T.AWAY: 1}, True, None, ""),
        ({T.IMPERSONATION: 2}, True, ImpersonationRefused, "impersonate all of the 2 users tried"),
        ({T.HIDDEN: 3}, False, ImpersonationRefused, "impersonate all of the 3 users tried"),
        ({T.AWAY: 3}, False, LookerUnavailable, "did not list the conversations of all of the 3 users tried"),
        ({T.BROKEN: 2, T.AWAY: 1}, False, LookerUnavailable, "all of the 3 users tried"),
        ({T.REFUSED: 3}, False, ConversationsUnavailable, "refused the conversations of all of the 3 users"),
        ({T.MALFORMED: 2}, False, LookerMalformed, "all of the 2 users tried"),
        ({T.REFUSED: 3, T.AWAY: 1}, False, ConversationsUnavailable, "3 of the 4 users tried, and none of the others"),
    ],
)
def test_a_run_in_which_no_user_was_listed(
    users: dict[Trouble, int], others: bool, error: type[LookerError] | None, text: str
) -> None:
    found = whole(Evidence(users=Counter(users)), finished=False, others=others)
    assert (type(found) if found else None) is error
    assert text in str(found)


@pytest.mark.parametrize(
    ("evidence", "finished"),
    [
        (Evidence(users=Counter({T.IMPERSONATION: 500})), True),
        (Evidence(fetched=1, users=Counter({T.AWAY: 500})), False),
        (Evidence(listed=1, conversations=Counter({T.AWAY: REFUSALS_IN_DOUBT - 1})), False),
        (Evidence(listed=1, fetched=1, conversations=Counter({T.AWAY: 500})), False),
    ],
)
def test_a_run_in_which_anything_was_read_is_not_refused_as_a_whole(evidence: Evidence, finished: bool) -> None:
    assert whole(evidence, finished=finished, others=False) is None


@pytest.mark.parametrize(
    ("met", "error"),
    [(T.AWAY, LookerUnavailable), (T.BROKEN, LookerUnavailable), (T.REFUSED, ConversationsUnavailable)],
)
def test_conversations_that_are_listed_and_never_given(met: Trouble, error: type[LookerError]) -> None:
    evidence = Evidence(listed=9, conversations=Counter({met: REFUSALS_IN_DOUBT}))
    found = whole(evidence, finished=False, others=False)
    assert type(found) is error
    assert f"{REFUSALS_IN_DOUBT} conversations" in str(found)


@pytest.mark.parametrize(
    ("met", "others", "alike", "own"),
    [
        (T.REFUSED, 0, 1, True),
        (T.BROKEN, 0, REFUSALS_IN_DOUBT - 1, True),
        (T.BROKEN, 0, REFUSALS_IN_DOUBT, False),
        (T.BROKEN, 1, 500, True),
        # Without an answer it may be Looker, unless others were answered meanwhile.
        (T.AWAY, 0, 1, False),
        (T.AWAY, 1, 1, True),
    ],
)
def test_whose_trouble_it_is(met: Trouble, others: int, alike: int, own: bool) -> None:
    assert is_own(met, others=others, alike=alike) is own
