from datetime import UTC, datetime, timedelta

import pytest

from sluice.looker.conversations import DAY_LASTS, Listed
from sluice.looker.window import Window

SINCE = datetime(2026, 11, 1, 12, tzinfo=UTC)
UNTIL = datetime(2026, 11, 2, 12, tzinfo=UTC)
WINDOW = Window("7", SINCE, UNTIL)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("updated_at", "covered"),
    [
        (SINCE, True),
        (SINCE - TICK, False),
        (UNTIL, True),
        (UNTIL + TICK, False),
        (None, True),
        # A midnight may stand for its day, wherever on Earth that is.
        (datetime(2026, 11, 2, tzinfo=UTC), True),
        (datetime(2026, 11, 1, tzinfo=UTC), True),
        (datetime(2026, 10, 31, tzinfo=UTC), True),
        (datetime(2026, 10, 30, tzinfo=UTC), False),
        (datetime(2026, 11, 3, tzinfo=UTC), False),
    ],
)
def test_what_a_window_covers(updated_at: datetime | None, covered: bool) -> None:
    assert WINDOW.covers(Listed("a", updated_at, deleted=False)) is covered


def test_the_listing_reaches_back_to_what_is_rechecked() -> None:
    assert WINDOW.listed_since == SINCE
    assert Window("7", SINCE, UNTIL, SINCE - DAY_LASTS).listed_since == SINCE - DAY_LASTS
    assert Window("7", SINCE, UNTIL, UNTIL).listed_since == SINCE


def test_the_last_day_of_all_has_an_end() -> None:
    last = Listed("a", datetime(9999, 12, 31, tzinfo=UTC), deleted=False)
    assert last.latest == datetime.max.replace(tzinfo=UTC)
