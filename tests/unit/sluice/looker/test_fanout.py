"""The fan-out at the simulated Looker: everybody's conversations, whatever becomes of some."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.looker.app import Looker as Simulated
from local.looker.cast import Standing
from local.looker.faults import Fault
from local.looker.population import Population
from sluice import logs
from sluice.errors import (
    ConversationsUnavailable,
    ImpersonationRefused,
    LoginRefused,
    LookerUnavailable,
)
from sluice.looker.brake import Brake
from sluice.looker.conversations import Conversation, Listed, Unreadable
from sluice.looker.fanout import Fanout
from sluice.looker.progress import Outcome
from sluice.looker.session import Looker
from sluice.looker.verdict import REFUSALS_IN_DOUBT, SAMPLE_SIZE
from sluice.looker.window import Window
from tests.unit.sluice.looker.conftest import NOW, Start
from tests.unit.sluice.looker.sessions import assert_journalled, client

EVER = datetime(1970, 1, 1, tzinfo=UTC)
HEAVY = "12"
CONVERSATION = r"/conversations/[0-9a-f-]{36}$"

type Found = Conversation | Unreadable
type Row = tuple[str, str]


class Pass:
    """One fan-out over a population; a row is (user, conversation)."""

    def __init__(self, simulated: Simulated, *, users: list[str] | None = None, **options: Any) -> None:
        population = simulated.population
        self.simulated = simulated
        self.users = users or [user.key for user in population.discoverable()]
        self.brake = options.pop("brake", Brake())
        since, until = options.pop("since", EVER), options.pop("until", NOW)
        self.looker: Looker = client(simulated, self.brake, **options.pop("settings", {}))
        self.size: Callable[[Found], int] = options.pop("size", lambda found: len(found.body))
        chosen: dict[str, Any] = {
            "known": lambda listed: False,
            "convert": self.convert,
            "page_size": 20,
            "include_deleted": False,
            "workers": 50,
            "buffer_bytes": 10**9,
        }
        windows = [Window(user, since, until) for user in self.users]
        self.fanout: Fanout[Row] = Fanout(self.looker, windows, brake=self.brake, **(chosen | options))

    def convert(self, window: Window, found: Found) -> tuple[Row, int]:
        return (window.user_id, found.listed.id), self.size(found)

    def rows(self) -> list[Row]:
        try:
            return list(self.fanout.rows())
        finally:
            self.looker.close()

    def outcomes(self) -> dict[str, str]:
        return {user: outcome.value for user, outcome in self.fanout.outcomes.items()}

    def assert_left_nothing_behind(self) -> None:
        assert_journalled(self.simulated, self.looker.calls)
        assert self.simulated.open_tokens == 0
        assert not [each for each in threading.enumerate() if each.name.startswith("looker")]


def truth(population: Population, **options: Any) -> list[Row]:
    found = [population.conversation(each) for each in population.reachable(**options)]
    return sorted((each.user_id, each.id) for each in found if each is not None)


def assert_finished_ones_are_whole(run: Pass, rows: list[Row]) -> None:
    """Of who counts as finished, every conversation is there."""
    finished = {user for user, outcome in run.fanout.outcomes.items() if outcome is Outcome.FINISHED}
    wanted = [row for row in truth(run.simulated.population) if row[0] in finished]
    assert wanted == sorted(row for row in rows if row[0] in finished)


def standing(population: Population, *which: Standing) -> list[str]:
    return [user.key for user in population.discoverable() if user.standing in which]


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_everything_of_everybody_once(start: Start, population: Population, workers: int) -> None:
    run = Pass(start(), workers=workers)
    assert sorted(run.rows()) == truth(population)
    active = standing(population, Standing.ACTIVE)
    assert run.outcomes() == {user: "finished" if user in active else "skipped" for user in run.users}
    disabled, deleted = (standing(population, each) for each in (Standing.DISABLED, Standing.DELETED))
    assert run.fanout.reasons == dict.fromkeys(disabled, "disabled") | dict.fromkeys(deleted, "deleted")
    assert run.fanout.counts["listed"] == len(truth(population))
    assert run.fanout.counts["unchanged"] == 0
    assert run.fanout.errors == {}
    run.assert_left_nothing_behind()


@pytest.mark.parametrize("workers", [1, 4])
def test_at_most_as_many_users_are_open_as_there_are_workers(start: Start, workers: int) -> None:
    looker = start(latency_seconds=0.002)
    Pass(looker, workers=workers).rows()
    assert looker.peak_open_tokens <= workers + 1


def test_one_user_with_nearly_everything_is_everybodys_work(start: Start) -> None:
    population = Population(users=2, conversations=150, mean_kb=1.0, now=NOW)
    looker = start(population, latency_seconds=0.1)
    begun = time.monotonic()
    rows = Pass(looker, users=[HEAVY], workers=50, page_size=100).rows()
    assert len(rows) > 80
    alone = 0.1 * len(rows)
    assert time.monotonic() - begun < alone / 3


def test_users_finish_before_new_ones_are_opened(start: Start, population: Population) -> None:
    """With one worker the journal tells the whole order."""
    looker = start()
    active = standing(population, Standing.ACTIVE)
    Pass(looker, users=active, workers=1).rows()
    owners = [record.user for record in looker.requests.find() if record.user not in (None, "admin")]
    assert list(dict.fromkeys(owners)) == active
    changes = sum(1 for before, after in itertools.pairwise(owners) if before != after)
    assert changes == len(active) - 1


def test_the_queue_of_fetches_is_bounded_whatever_one_user_holds(start: Start) -> None:
    population = Population(users=1, conversations=400, mean_kb=1.0, now=NOW)
    run = Pass(start(population), workers=4, page_size=10)
    longest = 0
    original = run.fanout._queue

    def watched(user: Any, page: list[Listed]) -> None:
        nonlocal longest
        original(user, page)
        longest = max(longest, len(run.fanout._fetches))

    run.fanout._queue = watched  # type: ignore[method-assign]  # the real one runs; its length is noted
    assert len(run.rows()) > 350
    assert longest <= 4 + 10


def test_a_slow_reader_slows_the_workers_down(start: Start, population: Population) -> None:
    looker = start()
    run = Pass(looker, workers=10, buffer_bytes=1000, size=lambda found: 400)
    rows = run.fanout.rows()
    next(rows)
    time.sleep(0.5)
    fetched = len(looker.requests.find(CONVERSATION))
    assert fetched <= 1 + 2 + 10
    assert len(list(rows)) == len(truth(population)) - 1
    run.looker.close()


def test_what_is_known_is_not_fetched(start: Start, population: Population) -> None:
    looker = start()
    known = {id for _, id in truth(population)[::2]}
    run = Pass(looker, known=lambda listed: listed.id in known)
    assert sorted(run.rows()) == [row for row in truth(population) if row[1] not in known]
    assert run.fanout.counts["unchanged"] == len(known)
    assert not [record for record in looker.requests.find(CONVERSATION) if record.path.rpartition("/")[2] in known]
    assert set(run.outcomes().values()) == {"finished", "skipped"}


def test_only_the_window_is_fetched(start: Start, population: Population) -> None:
    moments = sorted(population.expected(id)["updated_at"] for _, id in truth(population))
    since, until = moments[len(moments) // 3], moments[len(moments) // 2]
    run = Pass(start(), since=since, until=until)
    inside = [row for row in truth(population) if since <= population.expected(row[1])["updated_at"] <= until]
    assert sorted(run.rows()) == inside
    assert run.fanout.counts["listed"] == len(inside) > 10


def test_soft_deleted_ones_by_a_second_listing(start: Start, population: Population) -> None:
    deleted = truth(population, include_deleted=True)
    assert len(deleted) > len(truth(population))
    assert sorted(Pass(start(), include_deleted=True).rows()) == deleted


def test_nobody_to_ask(start: Start) -> None:
    looker = start()
    run = Pass(looker)
    run.fanout = Fanout(
        run.looker,
        [],
        known=lambda listed: False,
        convert=run.convert,
        page_size=10,
        include_deleted=False,
        workers=5,
        buffer_bytes=1,
        brake=run.brake,
    )
    assert run.rows() == []
    assert looker.requests.total == 0


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("kind", "outcome"), [("403", "failed"), ("404", "finished"), ("500", "failed"), ("502", "failed")]
)
def test_a_conversation_that_fails_stops_nobody(start: Start, population: Population, kind: str, outcome: str) -> None:
    looker = start()
    user, id = next(row for row in truth(population) if row[0] == HEAVY)
    looker.faults.add(Fault(kind, path=id, times=None))
    run = Pass(looker, settings={"looker_retries": 1})
    assert sorted(run.rows()) == [row for row in truth(population) if row != (user, id)]
    assert run.outcomes()[user] == outcome
    assert run.fanout.counts["vanished"] == (1 if kind == "404" else 0)
    others = set(standing(population, Standing.ACTIVE)) - {HEAVY}
    assert {run.outcomes()[other] for other in others} == {"finished"}
    run.assert_left_nothing_behind()


@pytest.mark.usefixtures("impatient")
def test_a_listing_that_fails_stops_nobody(start: Start, population: Population) -> None:
    looker = start()
    looker.faults.add(Fault("invalid-json", path="/search", after=5))
    run = Pass(looker, workers=1)
    rows = run.rows()
    failed = [user for user in standing(population, Standing.ACTIVE) if run.outcomes()[user] == "failed"]
    assert len(failed) == 1
    assert run.fanout.errors["LookerMalformed:list"] == 1
    assert [row for row in truth(population) if row[0] not in failed] == sorted(r for r in rows if r[0] not in failed)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["429", "502", "503", "truncated", "short", "drop", "garbage", "invalid-json"])
def test_what_passes_leaves_no_trace(start: Start, population: Population, kind: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, path=CONVERSATION, times=15))
    looker.faults.add(Fault("expire", path=CONVERSATION, times=3, after=20))
    run = Pass(looker, workers=8)
    assert sorted(run.rows()) == truth(population)
    assert looker.faults.fired[kind] == 15
    assert run.fanout.errors == {}


def test_tokens_that_live_shortly_are_renewed(start: Start, population: Population) -> None:
    """looker-sdk renews ten seconds early, so that each request of these takes a new token."""
    looker = start(token_seconds=10.2, latency_seconds=0.02)
    users = standing(population, Standing.ACTIVE)[1:5]
    rows = Pass(looker, users=users, workers=5).rows()
    assert sorted(rows) == [row for row in truth(population) if row[0] in users]
    assert len(looker.requests.find(r"/login/\d+")) > len(rows) > 20


def test_a_conversation_that_cannot_be_read_is_a_row_all_the_same(start: Start, population: Population) -> None:
    looker = start()
    looker.faults.add(Fault("invalid-json", path=CONVERSATION, times=None))
    seen: list[Found] = []

    def size(found: Found) -> int:
        seen.append(found)
        return 1

    run = Pass(looker, size=size)
    assert sorted(run.rows()) == truth(population)
    assert {type(found) for found in seen} == {Unreadable}
    assert set(run.outcomes().values()) == {"finished", "skipped"}


def fatal(run: Pass, error: type[Exception], match: str | None = None) -> None:
    begun = time.monotonic()
    with pytest.raises(error, match=match):
        run.rows()
    assert time.monotonic() - begun < 10
    assert not [each for each in threading.enumerate() if each.name.startswith("looker")]


def test_a_refused_api_key_stops_the_run_at_once(start: Start) -> None:
    looker = start()
    run = Pass(looker, settings={"looker_client_secret": "wrong"})
    fatal(run, LoginRefused)
    assert looker.requests.total <= 51


@pytest.mark.parametrize("workers", [1, 50])
def test_impersonation_refused_for_everybody_stops_the_run(start: Start, workers: int) -> None:
    looker = start(Population(users=300, conversations=10, now=NOW), impersonation_allowed=False)
    run = Pass(looker, workers=workers)
    fatal(run, ImpersonationRefused, r"all of the \d+ users tried")
    assert len(looker.requests.find(r"/login/\d+")) <= workers + 2 * (REFUSALS_IN_DOUBT + SAMPLE_SIZE)
    assert looker.open_tokens == 0


def test_the_only_user_refused_is_everybody(start: Start) -> None:
    fatal(Pass(start(impersonation_allowed=False), users=[HEAVY]), ImpersonationRefused, "the only user tried")


@pytest.mark.parametrize("workers", [12, 50])
def test_many_disabled_users_at_the_head_are_not_everybody(start: Start, workers: int) -> None:
    """They are refused long before the first of the others has been listed, but not before all workers have begun."""
    population = Population(users=80, conversations=60, mean_kb=1.0, now=NOW)
    disabled, active = standing(population, Standing.DISABLED), standing(population, Standing.ACTIVE)
    assert len(disabled) > REFUSALS_IN_DOUBT
    looker = start(population)
    looker.faults.add(Fault("slow", path=r"/login/\d+", times=50, seconds=0.3))
    looker.faults.add(Fault("slow", path="/search", times=10, seconds=0.5))
    head, rest = disabled[:11], disabled[11:]
    run = Pass(looker, users=head + active[:1] + rest + active[1:], workers=workers)
    assert sorted(run.rows()) == truth(population)
    assert Counter(run.outcomes().values()) == {"skipped": len(disabled), "finished": len(active)}


@pytest.mark.parametrize("kind", ["403", "404"])
def test_conversations_refused_for_everybody_stop_the_run(start: Start, kind: str) -> None:
    looker = start(Population(users=300, conversations=10, now=NOW))
    looker.faults.add(Fault(kind, path="/conversations", times=None))
    active = standing(looker.population, Standing.ACTIVE)
    fatal(Pass(looker, users=active, workers=20), ConversationsUnavailable)
    assert len(looker.requests.find("/search")) <= 20 + REFUSALS_IN_DOUBT + SAMPLE_SIZE
    assert looker.open_tokens == 0


def test_users_that_are_gone_are_no_refusal(start: Start, population: Population) -> None:
    deleted = standing(population, Standing.DELETED)
    run = Pass(start(), users=deleted)
    assert run.rows() == []
    assert run.fanout.reasons == dict.fromkeys(deleted, "deleted")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["502", "drop", "garbage"])
def test_a_looker_that_goes_down_ends_the_run_with_what_there_is(
    start: Start, population: Population, kind: str
) -> None:
    looker = start()
    looker.faults.add(Fault(kind, times=None, after=40))
    run = Pass(looker, workers=4, brake=Brake(patience=10), settings={"looker_retries": 1})
    rows = run.rows()
    assert 0 < len(rows) == len(set(rows))
    assert set(rows) < set(truth(population))
    assert_finished_ones_are_whole(run, rows)
    outcomes = Counter(run.outcomes().values())
    assert outcomes["unfinished"] > 0
    assert sum(outcomes.values()) == len(run.users)
    assert run.fanout.failing == set()
    assert run.fanout.errors["LookerUnavailable:looker"] > 0
    assert looker.requests.total < 40 + 4 * 2 * 10
    assert not [each for each in threading.enumerate() if each.name.startswith("looker")]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["502", "drop", "garbage"])
def test_a_looker_that_is_down_before_anything_was_read_stops_the_run(start: Start, kind: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, times=None, after=1))
    run = Pass(looker, workers=4, brake=Brake(patience=10), settings={"looker_retries": 1})
    fatal(run, LookerUnavailable)
    assert looker.requests.total < 4 * 2 * 10


@pytest.mark.usefixtures("impatient")
def test_conversations_that_fail_in_a_row_are_not_a_looker_that_is_down(start: Start, population: Population) -> None:
    looker = start()
    looker.faults.add(Fault("502", path=CONVERSATION, times=None))
    run = Pass(looker, users=[HEAVY], workers=4, brake=Brake(patience=5), settings={"looker_retries": 0})
    fatal(run, LookerUnavailable, r"none of the \d+ conversations")
    assert len(looker.requests.find(CONVERSATION)) > 40
    assert looker.requests.find("/user", user="admin")


@pytest.mark.parametrize("workers", [1, 50])
def test_an_error_of_ours_stops_the_run_and_comes_out(start: Start, workers: int) -> None:
    """The last worker to leave may leave sessions open: they are closed all the same."""
    looker = start()

    def convert(window: Window, found: Found) -> tuple[Row, int]:
        raise KeyError("a fault of ours")

    run = Pass(looker, convert=convert, workers=workers)
    fatal(run, KeyError)
    run.assert_left_nothing_behind()


def test_a_reader_that_leaves_stops_the_workers(start: Start) -> None:
    looker = start(latency_seconds=0.02)
    run = Pass(looker, workers=4)
    rows = run.fanout.rows()
    assert isinstance(rows, Iterator)
    next(rows)
    rows.close()  # type: ignore[attr-defined]  # a generator is what it is
    assert len(looker.requests.find(CONVERSATION)) < 30
    run.looker.close()
    run.assert_left_nothing_behind()


def test_at_the_end_of_the_budget_nothing_new_starts(start: Start, population: Population) -> None:
    looker = start(latency_seconds=0.05)
    begun = time.monotonic()
    run = Pass(looker, workers=3, brake=Brake(deadline=begun + 1.0))
    rows = run.rows()
    assert time.monotonic() - begun < 2.0
    assert 0 < len(rows) < len(truth(population))
    assert set(rows) <= set(truth(population))
    counted = Counter(run.outcomes().values())
    assert counted["unfinished"] > 0
    assert sum(counted.values()) == len(run.users)
    assert_finished_ones_are_whole(run, rows)
    run.assert_left_nothing_behind()


def test_a_budget_that_is_over_opens_nobody(start: Start) -> None:
    looker = start()
    run = Pass(looker, brake=Brake(deadline=time.monotonic() - 1))
    assert run.rows() == []
    assert set(run.outcomes().values()) == {"unfinished"}
    assert looker.requests.total == 0


class OverAtTheFirstFault(Brake):
    """Time is over as soon as a fault of this Looker has struck."""

    def __init__(self, looker: Simulated) -> None:
        super().__init__()
        self.looker = looker

    @property
    def expired(self) -> bool:
        return bool(self.looker.faults.fired)


@pytest.mark.parametrize("path", ["/search", CONVERSATION])
def test_what_fails_when_the_time_is_over_is_unfinished(start: Start, path: str) -> None:
    looker = start()
    looker.faults.add(Fault("502", path=path, times=None))
    run = Pass(looker, users=[HEAVY], workers=1, brake=OverAtTheFirstFault(looker), settings={"looker_retries": 0})
    assert run.rows() == []
    assert run.outcomes() == {HEAVY: "unfinished"}
    assert run.fanout.failing == set()
    run.assert_left_nothing_behind()


def test_repeated_passes_converge(start: Start, population: Population) -> None:
    """Each one knows what those before have fetched, as runs do by the warehouse."""
    looker = start(latency_seconds=0.03)
    held: set[Row] = set()
    for _ in range(30):
        brake = Brake(deadline=time.monotonic() + 0.8)
        known = {id for _, id in held}
        run = Pass(looker, workers=4, brake=brake, known=lambda listed, known=known: listed.id in known)
        held |= set(run.rows())
        if "unfinished" not in run.outcomes().values():
            break
    assert sorted(held) == truth(population)


def test_workers_log_with_what_is_bound_to_the_run(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    bound: list[dict[str, str] | None] = []

    def size(found: Found) -> int:
        bound.append(logs._bound.get())
        return 1

    run = Pass(start(), size=size)
    with logs.bound(run_id="r1"):
        run.rows()
    assert {frozenset((each or {}).items()) for each in bound} == {frozenset({("run_id", "r1")})}
    skipped = [vars(record) for record in caplog.records if vars(record).get("event") == "user_skipped"]
    assert {record["user_id"]: record["reason"] for record in skipped} == run.fanout.reasons != {}


def test_activity_while_it_runs_belongs_to_the_next_window(start: Start, population: Population) -> None:
    looker = start(latency_seconds=0.01)
    before = truth(population)
    run = Pass(looker, workers=3)
    rows = run.fanout.rows()
    first = next(rows)
    population.advance()
    got = sorted([first, *rows])
    run.looker.close()
    untouched = [row for row in before if population.expected(row[1])["updated_at"] <= NOW]
    assert set(untouched) <= set(got)
    assert {row for row in got if population.expected(row[1])["created_at"] > NOW} == set()
