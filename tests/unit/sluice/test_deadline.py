import time

from sluice.deadline import Deadline


def test_a_deadline_counts_down_to_zero_and_then_is_expired() -> None:
    soon = Deadline(0.05)
    assert 0 < soon.remaining <= 0.05
    assert not soon.expired
    time.sleep(0.06)
    assert soon.remaining == 0.0
    assert soon.expired


def test_a_deadline_is_far_away_unless_seconds_are_given() -> None:
    assert Deadline().remaining == float("inf")
