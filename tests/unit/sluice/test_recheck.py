"""Fetching again what is held: which, how many, and what is made of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.looker.conversations import Conversation, Listed, Unreadable
from sluice.looker.window import Window
from sluice.recheck import MAX_RECHECKS, Recheck
from sluice.report import Row
from sluice.warehouse.versions import Held

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
HELD = Held("7", NOON, message_count=2, raw_bytes=100)
WINDOW = Window("7", NOON - timedelta(days=1), NOON)


def row(messages: int = 2, raw_bytes: int = 100, *, rejected: bool = False) -> Row:
    return Row((b"line\n",), rejected, "a", "2026-11-01", messages, raw_bytes, 40, 0)


def found(updated_at: datetime = NOON, **fields: Any) -> Conversation:
    listed = Listed("a", updated_at, deleted=False)
    return Conversation(listed, {"user_id": "7", "updated_at": updated_at.isoformat(), **fields}, [], b"")


def judged(what: Conversation | Unreadable, was: Row, held: Held = HELD) -> Row:
    return Recheck({"a": held}).judged(WINDOW, what, was)


def test_what_is_as_it_was_is_not_written() -> None:
    same = judged(found(), row())
    assert (same.lines, same.repeated, same.unannounced) == ((), True, False)
    assert judged(found(user_id=None), row()).repeated, "a body without an owner is the window's"


@pytest.mark.parametrize("messages", [1, 3])
def test_other_messages_at_the_same_time_are_told(messages: int) -> None:
    changed = judged(found(), row(messages))
    assert (changed.lines, changed.repeated, changed.unannounced) == ((b"line\n",), False, True)


def test_another_body_with_as_many_messages_is_written_and_no_alarm() -> None:
    """The agent's configuration is part of it, and changes without the conversation."""
    changed = judged(found(), row(raw_bytes=101))
    assert (changed.lines, changed.repeated, changed.unannounced) == ((b"line\n",), False, False)


def test_a_change_that_is_announced_is_none_of_its_business() -> None:
    later = row(3)
    assert judged(found(NOON + timedelta(seconds=1)), later) is later
    moved = row(3)
    assert judged(found(user_id="8"), moved) is moved


def test_a_time_that_tells_no_more_than_the_day_announces_nothing() -> None:
    assert not judged(found(MIDNIGHT), row(3), Held("7", MIDNIGHT, 2, 100)).unannounced


def test_what_cannot_be_a_row_stays_a_reject() -> None:
    rejected = row(rejected=True)
    assert judged(found(), rejected) is rejected
    assert judged(Unreadable(Listed("a", NOON, deleted=False), "why", b""), rejected) is rejected


def test_only_candidates_are_wanted_and_only_so_many() -> None:
    few = Recheck({"a": HELD})
    assert few.wants(Listed("a", NOON, deleted=False))
    assert not few.wants(Listed("b", NOON, deleted=False))
    assert not Recheck({"a": HELD}, most=0).wants(Listed("a", NOON, deleted=False))
    assert not Recheck({}, most=0).wants(Listed("a", NOON, deleted=False))


def test_of_many_candidates_a_part_is_drawn() -> None:
    many = {str(number): HELD for number in range(20 * MAX_RECHECKS)}
    recheck = Recheck(many)
    wanted = [id for id in many if recheck.wants(Listed(id, NOON, deleted=False))]
    assert 0.5 * MAX_RECHECKS < len(wanted) <= MAX_RECHECKS
    assert int(wanted[-1]) > 15 * MAX_RECHECKS, "not the first ones only"
