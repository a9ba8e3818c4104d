import pytest

from local.looker.faults import KINDS, Fault, Faults


def strikes(faults: Faults, *paths: str, method: str = "GET") -> list[str | None]:
    struck = [faults.strike(method, path) for path in paths]
    return [None if fault is None else fault.kind for fault in struck]


def test_a_fault_strikes_so_many_times_after_so_many_requests() -> None:
    faults = Faults()
    faults.add(Fault("502", path="/user$", after=1, times=2))
    assert strikes(faults, *["/user"] * 5) == [None, "502", "502", None, None]
    assert faults.fired == {"502": 2}


def test_paths_and_methods_that_do_not_match_are_not_counted() -> None:
    faults = Faults()
    faults.add(Fault("429", path="/conversations/[^/]+$", method="GET", after=1, retry_after=3))
    assert strikes(faults, "/login", "/conversations/a/messages", "/conversations/a") == [None, None, None]
    assert strikes(faults, "/conversations/a", method="POST") == [None]
    assert strikes(faults, "/conversations/a") == ["429"]


def test_none_means_always() -> None:
    faults = Faults()
    faults.add(Fault("503", times=None))
    assert strikes(faults, *["/x"] * 50) == ["503"] * 50


def test_the_first_that_applies_wins_and_later_ones_follow() -> None:
    faults = Faults()
    faults.add(Fault("500"), Fault("404"))
    assert strikes(faults, "/x", "/x", "/x") == ["500", "404", None]


def test_clear_ends_them() -> None:
    faults = Faults()
    faults.add(Fault("500", times=None))
    strikes(faults, "/x")
    faults.clear()
    assert strikes(faults, "/x") == [None]
    assert faults.fired.total() == 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "slow"])
def test_seconds_belong_to_slow(kind: str) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Fault(kind, seconds=1)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault 'teapot'; one of 429, 500"):
        Fault("teapot")
    with pytest.raises(ValueError, match="slow"):
        Fault("slow")
    with pytest.raises(ValueError, match="retry_after"):
        Fault("500", retry_after=1)
    with pytest.raises(ValueError, match="regular expression"):
        Fault("500", path="(")
