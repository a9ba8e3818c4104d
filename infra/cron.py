"""The schedule as cron means it: five fields, the times they name, and how close together and far apart those are."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of the week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
PART = re.compile(r"(\*|\w+(?:-\w+)?)(?:/([1-9][0-9]?))?")
DAY_SECONDS = 86_400
# Eight years: every date that exists is among them twice, so that a pause follows each.
FIRST_DAY, DAYS = date(2024, 1, 1), 8 * 365 + 2


@dataclass(frozen=True)
class Cron:
    """A schedule that names at least one moment.

    Attributes:
        starts: seconds after midnight of each start of a day that has some, in order.
        days: the days that have some, in order, of eight years.
    """

    starts: tuple[int, ...]
    days: tuple[date, ...]

    @classmethod
    def parse(cls, text: str) -> "Cron":
        """Read five fields.

        Raises:
            ValueError: saying which field must be what.
        """
        parts = text.split(" ")
        if len(parts) != len(FIELDS) or not all(parts):
            raise ValueError("must be five fields of cron, e.g. 0 1 * * *: minute, hour, day, month, day of the week")
        minutes, hours, monthdays, months, weekdays = map(_field, parts, FIELDS)
        weekdays = {day % 7 for day in weekdays}
        days = (FIRST_DAY + timedelta(n) for n in range(DAYS))
        # Either of the two kinds of days, once both are restricted: so says cron, and so does Cloud Scheduler.
        either = not parts[2].startswith("*") and not parts[4].startswith("*")
        named = tuple(
            day
            for day in days
            if day.month in months
            and (any if either else all)((day.day in monthdays, day.isoweekday() % 7 in weekdays))
        )
        if not named:
            raise ValueError("must name a day that exists")
        return cls(tuple(sorted(3600 * hour + 60 * minute for hour in hours for minute in minutes)), named)

    @property
    def shortest_pause_seconds(self) -> int:
        """Least time between two starts."""
        return min([*self._within, self._days_apart(min) * DAY_SECONDS - self.starts[-1] + self.starts[0]])

    @property
    def longest_pause_seconds(self) -> int:
        """Most time between two starts."""
        return max([*self._within, self._days_apart(max) * DAY_SECONDS - self.starts[-1] + self.starts[0]])

    @property
    def _within(self) -> list[int]:
        return [later - earlier for earlier, later in pairwise(self.starts)]

    def _days_apart(self, pick: Callable[[Iterable[int]], int]) -> int:
        return pick([(later - earlier).days for earlier, later in pairwise(self.days)])


def _field(text: str, field: tuple[str, int, int]) -> set[int]:
    name, least, most = field
    found: set[int] = set()
    for part in text.lower().split(","):
        match = PART.fullmatch(part)
        if not match:
            raise ValueError(f"must have numbers, *, -, / and commas as its {name}, not {text}")
        bounds, step = match[1], int(match[2] or 1)
        first, last = (least, most) if bounds == "*" else _range(bounds, field, open_ended=bool(match[2]))
        found.update(range(first, last + 1, step))
    return found


def _range(bounds: str, field: tuple[str, int, int], *, open_ended: bool) -> tuple[int, int]:
    name, _least, most = field
    first, _, last = bounds.partition("-")
    begin = _number(first, field)
    end = _number(last, field) if last else (most if open_ended else begin)
    if begin > end:
        raise ValueError(f"must have a range that goes up as its {name}, not {bounds}")
    return begin, end


def _number(text: str, field: tuple[str, int, int]) -> int:
    name, least, most = field
    names = NAMES.get(name, ())
    number = names.index(text) + (name == "month") if text in names else int(text) if text.isdecimal() else -1
    if not least <= number <= most:
        raise ValueError(f"must have {least} to {most} as its {name}, not {text}")
    return number
