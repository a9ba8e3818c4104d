import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sluice.looker.buffer import Buffer


@pytest.fixture
def threads() -> Iterator[list[threading.Thread]]:
    """Threads to be joined: one that still waits at the end fails the test."""
    started: list[threading.Thread] = []
    yield started
    for thread in started:
        thread.join(timeout=5)
        assert not thread.is_alive()


def run(threads: list[threading.Thread], action: Callable[..., object], *arguments: object) -> threading.Thread:
    threads.append(threading.Thread(target=action, args=arguments, daemon=True))
    threads[-1].start()
    return threads[-1]


def test_everything_put_by_many_comes_out_once_in_bounded_space(threads: list[threading.Thread]) -> None:
    buffer: Buffer[tuple[int, int]] = Buffer(100)
    held = 0
    lock = threading.Lock()
    most = []

    def put(worker: int) -> None:
        nonlocal held
        for number in range(200):
            buffer.put((worker, number), 10)
            with lock:
                held += 10

    def ending() -> None:
        for thread in putters:
            thread.join()
        buffer.end()

    putters = [run(threads, put, worker) for worker in range(8)]
    run(threads, ending)
    seen = []
    for item in buffer:
        with lock:
            held -= 10
            most.append(held)
        seen.append(item)
    assert sorted(seen) == [(worker, number) for worker in range(8) for number in range(200)]
    for worker in range(8):
        assert [number for each, number in seen if each == worker] == list(range(200))
    # One item per worker may be counted by neither side while the lock changes hands.
    assert max(most) <= 100 + 8 * 10


def test_a_full_buffer_makes_the_next_one_wait(threads: list[threading.Thread]) -> None:
    buffer: Buffer[str] = Buffer(10)
    buffer.put("a", 6)
    second = run(threads, buffer.put, "b", 6)
    second.join(0.1)
    assert second.is_alive()
    items = iter(buffer)
    assert next(items) == "a"
    second.join(5)
    assert not second.is_alive()
    buffer.end()
    assert list(items) == ["b"]


def test_one_item_may_exceed_the_limit_alone(threads: list[threading.Thread]) -> None:
    buffer: Buffer[str] = Buffer(10)
    buffer.put("huge", 1000)
    run(threads, buffer.put, "small", 1)
    items = iter(buffer)
    assert next(items) == "huge"
    assert next(items) == "small"
    buffer.end()
    assert list(items) == []


def test_the_end_frees_who_waits_and_keeps_what_is_held(threads: list[threading.Thread]) -> None:
    buffer: Buffer[str] = Buffer(1)
    buffer.put("held", 1)
    run(threads, buffer.put, "waiting", 1).join(0.05)
    buffer.end()
    buffer.put("late", 1)
    assert list(buffer) == ["held"]


def test_a_failure_is_raised_at_once_and_the_first_one_counts(threads: list[threading.Thread]) -> None:
    buffer: Buffer[str] = Buffer(1)
    buffer.put("held", 1)
    run(threads, buffer.put, "waiting", 1).join(0.05)
    buffer.fail(ValueError("first"))
    buffer.fail(ValueError("second"))
    with pytest.raises(ValueError, match="first"):
        next(iter(buffer))


def test_a_failure_wakes_the_reader(threads: list[threading.Thread]) -> None:
    buffer: Buffer[str] = Buffer(1)
    caught: list[BaseException] = []

    def read() -> None:
        try:
            list(buffer)
        except ValueError as error:
            caught.append(error)

    reader = run(threads, read)
    time.sleep(0.05)
    buffer.fail(ValueError("broken"))
    reader.join(5)
    assert [str(error) for error in caught] == ["broken"]
