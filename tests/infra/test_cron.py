"""The schedule's five fields: what they name, and what they may not say."""

import pytest

from infra.cron import Cron

HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("text", "shortest", "longest"),
    [
        ("0 1 * * *", DAY, DAY),
        ("30 */6 * * *", 6 * HOUR, 6 * HOUR),
        ("0 1,3 * * *", 2 * HOUR, 22 * HOUR),
        ("0 9 * * 1-5", DAY, 3 * DAY),
        ("0 9 * * mon", 7 * DAY, 7 * DAY),
        ("0 9 * * 7", 7 * DAY, 7 * DAY),
        ("0 0 1 * *", 28 * DAY, 31 * DAY),
        ("0 0 29 2 *", 1461 * DAY, 1461 * DAY),
        ("0 0 1 jan *", 365 * DAY, 366 * DAY),
        ("10/20 5 * * *", 20 * 60, DAY - 40 * 60),
        ("0 0 1 * 1", DAY, 7 * DAY),
    ],
)
def test_pauses_between_starts(text: str, shortest: int, longest: int) -> None:
    cron = Cron.parse(text)
    assert (cron.shortest_pause_seconds, cron.longest_pause_seconds) == (shortest, longest)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 1 * *", "five fields"),
        ("0  1 * * *", "five fields"),
        ("61 25 * * *", "0 to 59 as its minute, not 61"),
        ("0 24 * * *", "0 to 23 as its hour"),
        ("0 0 0 * *", "1 to 31 as its day of the month"),
        ("0 0 * 13 *", "1 to 12 as its month"),
        ("0 0 * * 8", "0 to 7 as its day of the week"),
        ("0 0 * * monday", "0 to 7 as its day of the week, not monday"),
        ("0 5-3 * * *", "a range that goes up"),
        ("0 1-2-3 * * *", "numbers, "),
        ("*/0 * * * *", "numbers, "),
        ("0 0 31 2 *", "a day that exists"),
        ("@daily", "five fields"),
    ],
)
def test_what_names_no_moment_is_refused_by_its_field(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Cron.parse(text)
