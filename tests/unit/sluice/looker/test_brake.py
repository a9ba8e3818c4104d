import threading
import time
from collections.abc import Callable

from sluice.looker import brake as module
from sluice.looker.brake import Brake


def in_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_a_brake_that_nobody_holds_lets_pass_at_once() -> None:
    begun = time.monotonic()
    Brake().wait()
    assert time.monotonic() - begun < 0.1


def test_everybody_waits_while_one_holds() -> None:
    brake = Brake()
    passed: list[float] = []
    begun = time.monotonic()

    def wait() -> None:
        brake.wait()
        passed.append(time.monotonic() - begun)

    holder = in_thread(lambda: brake.hold(0.4))
    time.sleep(0.05)
    waiters = [in_thread(wait) for _ in range(8)]
    for thread in (holder, *waiters):
        thread.join()
    assert min(passed) >= 0.4
    assert max(passed) < 0.4 + module.SPREAD_SECONDS + 0.3
    assert len(set(passed)) == 8


def test_a_shorter_hold_does_not_shorten_a_longer_one() -> None:
    brake = Brake()
    begun = time.monotonic()
    holder = in_thread(lambda: brake.hold(0.4))
    time.sleep(0.05)
    assert brake.hold(0.05)
    brake.wait()
    assert time.monotonic() - begun >= 0.4
    holder.join()


def test_nothing_waits_beyond_the_deadline() -> None:
    brake = Brake(deadline=time.monotonic() + 0.3)
    begun = time.monotonic()
    assert not brake.hold(60)
    assert not brake.sleep(60)
    assert not brake.expired
    assert time.monotonic() - begun < 0.2
    brake.wait()
    assert time.monotonic() - begun < 0.3 + module.SPREAD_SECONDS + 0.3
    assert brake.sleep(0.01) is (time.monotonic() < begun + 0.29)


def test_expired_from_the_deadline_on() -> None:
    assert Brake(deadline=time.monotonic()).expired
    assert not Brake(deadline=time.monotonic() + 60).expired
    assert not Brake().expired


def test_stopping_ends_every_wait() -> None:
    brake = Brake()
    slept: list[bool] = []
    threads = [in_thread(lambda: slept.append(brake.hold(30))), in_thread(lambda: slept.append(brake.sleep(30)))]
    time.sleep(0.05)
    threads.append(in_thread(brake.wait))
    begun = time.monotonic()
    brake.stop()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun < 1
    assert slept == [False, False]
    assert not brake.sleep(0.01)


def test_exhausted_by_unanswered_requests_in_a_row() -> None:
    brake = Brake(patience=3)
    for _ in range(2):
        brake.unanswered()
    brake.answered()
    for _ in range(2):
        brake.unanswered()
    assert not brake.exhausted
    brake.unanswered()
    assert brake.exhausted
    brake.answered()
    assert not brake.exhausted


def test_a_deadline_is_brought_forward_and_never_moved_back() -> None:
    begun = time.monotonic()
    brake = Brake(deadline=begun + 60)
    brake.bring_forward(begun + 120)
    assert brake.deadline == begun + 60
    brake.bring_forward(begun - 1)
    assert brake.expired
