"""Bytes of large answers held at once."""

import random
import threading
import time
from collections.abc import Callable

import pytest

from sluice.looker.flight import Flight


def never() -> bool:
    return False


def in_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


class Holder:
    """A thread that takes `sizes`, one after the other as it is told to, and holds them until it is released."""

    def __init__(self, flight: Flight, *sizes: int) -> None:
        self.taken = threading.Semaphore(0)
        self.more, self.release = threading.Semaphore(0), threading.Event()

        def hold() -> None:
            with flight.job():
                for size in sizes:
                    flight.take(size, never)
                    self.taken.release()
                    self.more.acquire()
                self.release.wait(10)

        self.thread = in_thread(hold)

    def has_taken(self, seconds: float = 5) -> bool:
        return self.taken.acquire(timeout=seconds)

    def end(self) -> None:
        self.more.release(9)
        self.release.set()
        self.thread.join(5)
        assert not self.thread.is_alive()


def test_no_more_than_the_limit_is_held() -> None:
    flight = Flight(100)
    first, second = Holder(flight, 60), Holder(flight, 40)
    assert first.has_taken()
    assert second.has_taken()
    third = Holder(flight, 1)
    assert not third.has_taken(0.1)
    first.end()
    assert third.has_taken()
    second.end()
    third.end()
    assert flight.held == 0


def test_what_is_larger_than_the_limit_is_held_alone() -> None:
    flight = Flight(100)
    small = Holder(flight, 1)
    assert small.has_taken()
    large = Holder(flight, 500)
    assert not large.has_taken(0.1)
    small.end()
    assert large.has_taken()
    large.end()


def test_the_small_do_not_overtake_the_large_for_ever() -> None:
    flight = Flight(100)
    small = Holder(flight, 50)
    assert small.has_taken()
    large = Holder(flight, 80)
    assert not large.has_taken(0.1)
    later = Holder(flight, 50)
    assert not later.has_taken(0.1)
    small.end()
    assert large.has_taken()
    assert not later.has_taken(0.1)
    large.end()
    assert later.has_taken()
    later.end()


def test_of_those_who_want_more_the_first_goes_on() -> None:
    flight = Flight(100)
    first, second = Holder(flight, 50, 50), Holder(flight, 50, 50)
    assert first.has_taken()
    assert second.has_taken()
    second.more.release()
    assert not second.has_taken(0.1)
    first.more.release()
    assert first.has_taken()
    first.end()
    assert second.has_taken()
    second.end()
    assert flight.held == 0


def test_who_gives_up_leaves_no_trace() -> None:
    flight, given_up = Flight(100), threading.Event()
    holder = Holder(flight, 100)
    assert holder.has_taken()
    failed: list[bool] = []

    def wait() -> None:
        with flight.job(), pytest.raises(TimeoutError):
            flight.take(10, given_up.is_set)
        failed.append(True)

    thread = in_thread(wait)
    time.sleep(0.05)
    later = Holder(flight, 10)
    given_up.set()
    thread.join(5)
    assert failed == [True]
    holder.end()
    assert later.has_taken()
    later.end()


def test_outside_of_a_job_nothing_is_counted() -> None:
    flight = Flight(10)
    for _ in range(3):
        flight.take(100, never)
    assert flight.held == 0


def test_a_job_that_fails_gives_back_what_it_held() -> None:
    flight = Flight(10)

    def fail() -> None:
        with flight.job():
            flight.take(10, never)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert flight.held == 0


def test_no_two_wait_for_each_other() -> None:
    """Many threads that grow what they hold by steps, beyond the limit together."""
    flight, most, wrong = Flight(100), 30, []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(20):
            with flight.job():
                for _ in range(chance.randint(1, 3)):
                    flight.take(chance.randint(1, most), never)
                    if flight.held > 100 + 3 * most:
                        wrong.append(flight.held)
                    time.sleep(chance.random() / 2000)

    threads = [in_thread(lambda seed=seed: work(seed)) for seed in range(12)]  # type: ignore[misc]  # bound now
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong
    assert flight.held == 0
