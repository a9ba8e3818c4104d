"""One run at a time: the second is told which is under way, and reading goes on."""

import threading
from datetime import datetime

import pytest

from sluice.busy import Busy, RunUnderWay, ScheduleUnderWay
from sluice.errors import Retryable


def test_a_second_run_is_told_which_is_under_way_and_since_when() -> None:
    busy = Busy()
    with (
        busy.run("run-1", scheduled=False),
        pytest.raises(RunUnderWay, match="run-1") as caught,
        busy.run("run-2", scheduled=False),
    ):
        raise AssertionError("two runs at once")
    assert caught.value.status == 409
    assert not isinstance(caught.value, Retryable)
    assert datetime.fromisoformat(str(caught.value).rsplit(" ", 1)[-1]).tzinfo


def test_the_schedule_is_asked_to_come_again() -> None:
    busy = Busy()
    with (
        busy.run("run-1", scheduled=True),
        pytest.raises(ScheduleUnderWay) as caught,
        busy.run("run-2", scheduled=True),
    ):
        raise AssertionError("two runs at once")
    assert caught.value.status == 503
    assert isinstance(caught.value, Retryable)


def test_the_place_is_free_after_a_run_however_it_ended() -> None:
    busy = Busy()
    with pytest.raises(LookupError), busy.run("run-1", scheduled=False):
        raise LookupError
    with busy.run("run-2", scheduled=False):
        pass


def test_of_many_at_once_one_gets_in() -> None:
    busy, gate, leave = Busy(), threading.Barrier(8), threading.Event()
    entered: list[int] = []
    refused: list[int] = []

    def ask(n: int) -> None:
        gate.wait()
        try:
            with busy.run(f"run-{n}", scheduled=False):
                entered.append(n)
                leave.wait()
        except RunUnderWay:
            refused.append(n)
            if len(refused) == 7:
                leave.set()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(entered), len(refused)) == (1, 7)
