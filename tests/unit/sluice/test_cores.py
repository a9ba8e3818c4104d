import os
import sys
import threading

import pytest

from sluice import cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps threads on processors")


def allowed_in_a_new_thread() -> set[int]:
    seen: list[set[int]] = []
    thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
    thread.start()
    thread.join()
    return seen[0]


def test_this_thread_and_those_it_starts_share_one_processor_for_a_while() -> None:
    before = os.sched_getaffinity(0)
    elsewhere, done = threading.Event(), threading.Event()
    others: list[set[int]] = []

    def wait() -> None:
        elsewhere.wait(5)
        others.append(os.sched_getaffinity(0))
        done.set()

    threading.Thread(target=wait).start()
    with cores.one():
        inside = os.sched_getaffinity(0)
        assert len(inside) == 1
        assert inside <= before
        assert allowed_in_a_new_thread() == inside
        # Threads that were there before belong to somebody else.
        elsewhere.set()
        done.wait(5)
        assert others == [before]
    assert os.sched_getaffinity(0) == before


def test_a_failure_gives_the_processors_back() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(ValueError, match="broken"), cores.one():
        raise ValueError("broken")
    assert os.sched_getaffinity(0) == before


def test_where_it_is_forbidden_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, mask: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    before = os.sched_getaffinity(0)
    with cores.one():
        assert os.sched_getaffinity(0) == before
