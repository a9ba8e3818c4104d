"""The fan-out stopped at any moment: whoever counts as finished is whole, and the rest is told apart."""

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from local.looker.cast import Standing
from local.looker.faults import Fault
from local.looker.population import Population
from sluice.errors import ImpersonationRefused, LookerError, LookerUnavailable
from sluice.looker import transport
from sluice.looker.brake import Brake
from sluice.looker.window import Window
from tests.unit.sluice.looker.conftest import NOW, Start
from tests.unit.sluice.looker.test_fanout import (
    CONVERSATION,
    EVER,
    HEAVY,
    Pass,
    assert_finished_ones_are_whole,
    fatal,
    standing,
    truth,
)

type Job = Callable[[], None]


class Stopped(Brake):
    """Time is over when the test says so."""

    over = False

    @property
    def expired(self) -> bool:
        return self.over


def next_job(run: Pass) -> Job:
    job = run.fanout._next()
    assert job is not None
    return job


def work_on(run: Pass) -> dict[str, str]:
    """Do what is left to do, in this thread; what became of the users."""
    while (job := run.fanout._next()) is not None:
        job()
    assert list(run.fanout._conclude()) == []
    run.looker.close()
    return run.outcomes()


@pytest.fixture
def small(start: Start) -> Pass:
    """One user with few conversations, two workers that this thread stands in for."""
    looker = start(Population(users=1, conversations=3, mean_kb=1.0, now=NOW))
    assert len(looker.population.reachable()) == 3
    return Pass(looker, workers=50, brake=Stopped())


def stop(run: Pass) -> None:
    assert isinstance(run.brake, Stopped)
    run.brake.over = True


def test_what_is_queued_when_the_time_is_over_leaves_the_user_unfinished(small: Pass) -> None:
    while small.fanout._open == 0 or small.fanout._listing:
        next_job(small)()
    assert len(small.fanout._fetches) == 3
    stop(small)
    assert work_on(small) == {HEAVY: "unfinished"}


def test_a_listing_that_is_not_read_on_leaves_the_user_unfinished(small: Pass) -> None:
    next_job(small)()
    assert small.fanout._listing
    small.fanout._fetches.clear()
    small.fanout._listing[0].pending = 0
    stop(small)
    assert work_on(small) == {HEAVY: "unfinished"}


def test_a_page_that_comes_when_the_time_is_over_leaves_the_user_unfinished(small: Pass) -> None:
    job = next_job(small)
    stop(small)
    small.fanout._halt()
    job()
    assert small.fanout.counts["listed"] == 0
    assert work_on(small) == {HEAVY: "unfinished"}


def test_a_recheck_that_is_not_done_leaves_nobody_unfinished(start: Start) -> None:
    looker = start(Population(users=1, conversations=3, mean_kb=1.0, now=NOW))
    run = Pass(looker, brake=Stopped(), known=lambda listed: True, recheck=lambda listed: True)
    while run.fanout._open == 0 or run.fanout._listing:
        next_job(run)()
    assert len(run.fanout._fetches) == 3
    stop(run)
    assert work_on(run) == {HEAVY: "finished"}


def test_a_recheck_that_is_refused_fails_nobody(start: Start) -> None:
    looker = start()
    looker.faults.add(Fault("403", path=CONVERSATION, times=None))
    run = Pass(looker, users=[HEAVY], known=lambda listed: True, recheck=lambda listed: True)
    assert run.rows() == []
    assert run.outcomes() == {HEAVY: "finished"}
    assert (
        run.fanout.counts["rechecked"] == run.fanout.counts["listed"] == run.fanout.errors["LookerRefused:looker:403"]
    )


def windows(run: Pass, *users: str, last_chance: bool) -> None:
    run.fanout._waiting.clear()
    run.fanout._waiting.extend(Window(user, EVER, NOW, None, last_chance) for user in users)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["403", "500", "502"])
@pytest.mark.parametrize("last_chance", [False, True])
def test_a_conversation_that_is_refused_for_good_is_given_up_in_the_end(
    start: Start, population: Population, kind: str, last_chance: bool
) -> None:
    looker = start()
    bad = next(row for row in truth(population) if row[0] == HEAVY)
    looker.faults.add(Fault(kind, path=bad[1], times=None))
    run = Pass(looker, users=[HEAVY], workers=2, settings={"looker_retries": 0})
    windows(run, HEAVY, last_chance=last_chance)
    rows = run.rows()
    assert (bad in rows) is last_chance
    assert run.outcomes() == {HEAVY: "finished" if last_chance else "failed"}
    assert run.fanout.failing == (set() if last_chance else {HEAVY})
    assert run.fanout.counts["given_up"] == last_chance


def test_nothing_is_given_up_while_looker_gives_nothing(start: Start) -> None:
    looker = start()
    looker.faults.add(Fault("500", path=CONVERSATION, times=None))
    run = Pass(looker, users=[HEAVY], settings={"looker_retries": 0})
    windows(run, HEAVY, last_chance=True)
    fatal(run, LookerUnavailable, "none of the")


@pytest.mark.parametrize("last_chance", [False, True])
def test_a_user_whose_listing_is_refused_for_good_is_skipped_in_the_end(
    start: Start, population: Population, last_chance: bool
) -> None:
    looker = start()
    users = standing(population, Standing.ACTIVE)[:3]
    looker.faults.add(Fault("403", path="/search", times=1))
    run = Pass(looker, users=users, workers=1)
    windows(run, *users, last_chance=last_chance)
    rows = run.rows()
    assert {user for user, _ in rows} == set(users[1:])
    assert run.outcomes()[users[0]] == ("skipped" if last_chance else "failed")
    assert run.fanout.failing == (set() if last_chance else {users[0]})
    assert set(run.fanout.reasons.values()) == (
        {"GET /api/4.0/conversations/search: HTTP 403"} if last_chance else set()
    )


def test_conversations_that_all_vanish_at_once_are_not_gone(start: Start, population: Population) -> None:
    looker = start()
    looker.faults.add(Fault("404", path=CONVERSATION, times=None))
    run = Pass(looker, users=[HEAVY])
    assert run.rows() == []
    assert run.outcomes() == {HEAVY: "failed"}
    assert run.fanout.counts["vanished"] == len([row for row in truth(population) if row[0] == HEAVY])


@pytest.mark.parametrize("workers", [1, 5, 50])
def test_users_refused_at_the_head_are_not_all(start: Start, workers: int) -> None:
    """Enabled, and refused: as where only embed users may be impersonated. Those at the end can be read."""
    population = Population(users=120, conversations=300, mean_kb=1.0, now=NOW)
    active = standing(population, Standing.ACTIVE)
    looker = start(population)
    head = active[:50]
    looker.faults.add(Fault("403", path=rf"/login/({'|'.join(head)})$", times=None))
    run = Pass(looker, users=active, workers=workers)
    assert sorted(run.rows()) == [row for row in truth(population) if row[0] not in head]
    assert Counter(run.outcomes().values()) == {"skipped": 50, "finished": len(active) - 50}
    assert run.fanout.reasons == dict.fromkeys(head, "impersonation refused")


@pytest.mark.parametrize("others", [False, True])
def test_one_user_who_is_refused_says_nothing_of_others_who_rest(start: Start, others: bool) -> None:
    looker = start(impersonation_allowed=False)
    run = Pass(looker, users=[HEAVY], others=others)
    if not others:
        fatal(run, ImpersonationRefused, "the only user tried")
        return
    assert run.rows() == []
    assert run.fanout.reasons == {HEAVY: "impersonation refused"}


def test_a_user_who_is_disabled_meanwhile_is_skipped(start: Start, population: Population) -> None:
    looker = start()
    (disabled, *_) = standing(population, Standing.DISABLED)
    token = looker.tokens.issue(disabled)
    run = Pass(looker, users=[disabled])
    looker.tokens.revoke(token)
    assert run.rows() == []
    assert run.fanout.reasons == {disabled: "disabled"}
    assert len(looker.requests.find(rf"/users/{disabled}$", user="admin")) == 1


@pytest.mark.usefixtures("impatient")
def test_an_api_key_that_is_refused_meanwhile_ends_the_run_with_what_there_is(
    start: Start, population: Population
) -> None:
    looker = start(token_seconds=10.3, latency_seconds=0.03)
    run = Pass(looker, users=standing(population, Standing.ACTIVE), workers=3)
    given = run.fanout.rows()
    first = next(given)
    looker.faults.add(Fault("403", path=r"/login$", times=None))
    rows = [first, *given]
    run.looker.close()
    assert 0 < len(rows) < len(truth(population))
    assert run.fanout.errors["LoginRefused:login"] >= 1
    assert "unfinished" in run.outcomes().values()
    assert_finished_ones_are_whole(run, rows)


def draw(start: Start, population: Population, seed: int) -> Counter[str]:
    """One pass with a deadline, workers, pages and faults by chance."""
    r = random.Random(seed)
    looker = start(population, latency_seconds=r.choice([0.003, 0.01, 0.03]))
    if r.random() < 0.5:
        kind, path = r.choice(["503", "429", "drop", "403"]), r.choice([CONVERSATION, "/search"])
        looker.faults.add(Fault(kind, path=path, times=None, after=r.randrange(1, 25)))
    run = Pass(
        looker,
        workers=r.choice([1, 2, 3, 5, 8]),
        page_size=r.choice([2, 3, 5, 20]),
        brake=Brake(deadline=time.monotonic() + r.uniform(0.03, 0.7)),
        settings={"looker_retries": r.choice([0, 1, 3])},
    )
    try:
        rows = run.rows()
    except LookerError:
        assert "finished" not in run.outcomes().values()
        return Counter(["raised"])
    assert len(rows) == len(set(rows))
    assert_finished_ones_are_whole(run, rows)
    assert set(run.outcomes()) == set(run.users)
    return Counter(run.outcomes().values())


def stress(start: Start, monkeypatch: pytest.MonkeyPatch, seeds: range) -> Counter[str]:
    monkeypatch.setattr(transport, "FIRST_PAUSE_SECONDS", 0.02)
    population = Population(seed=5, users=5, conversations=60, mean_kb=1.0, now=NOW)
    seen: Counter[str] = Counter()
    for seed in seeds:
        seen += draw(start, population, seed)
    return seen


def test_whatever_ends_a_run_who_is_finished_is_whole(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = stress(start, monkeypatch, range(12))
    assert seen["finished"] > 0
    assert seen["unfinished"] > 0


@pytest.mark.slow
def test_whatever_ends_a_run_who_is_finished_is_whole_many_times(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = stress(start, monkeypatch, range(100, 300))
    assert all(seen[name] > 0 for name in ("finished", "unfinished", "failed"))
