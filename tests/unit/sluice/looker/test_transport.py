"""The transport at the simulated Looker, whose faults are what networks and load balancers do."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from looker_sdk.rtl.transport import HttpMethod

from local.looker.app import Looker
from local.looker.faults import Fault
from sluice.errors import LookerRefused, LookerUnavailable
from sluice.looker.answers import MAX_RETRY_AFTER_SECONDS, retry_after
from sluice.looker.brake import Brake
from sluice.looker.connections import Answer
from sluice.looker.flight import Flight
from sluice.looker.transport import PooledTransport

PASSING = ["429", "500", "502", "503", "truncated", "short", "drop", "garbage"]

type Send = Callable[..., bytes]


class Caller:
    """Sends GET requests as the admin."""

    def __init__(self, looker: Looker, transport: PooledTransport) -> None:
        self.looker, self.transport = looker, transport
        self.token = looker.tokens.issue("admin")

    def get(self, path: str = "/user") -> bytes:
        answer = self.transport.request(
            HttpMethod.GET,
            f"{self.looker.url}/api/4.0{path}",
            {"fields": "id"},
            authenticator=lambda _: {"Authorization": f"Bearer {self.token}"},
        )
        assert answer.ok
        return answer.value


@pytest.fixture
def brake() -> Brake:
    return Brake(patience=3)


@pytest.fixture
def calling(looker: Looker, brake: Brake, impatient: None) -> Iterator[Callable[..., Caller]]:
    made: list[PooledTransport] = []

    def make(**options: Any) -> Caller:
        chosen: dict[str, Any] = {"timeout": 5.0, "retries": 3, "brake": brake, "flight": Flight(1 << 30)} | options
        made.append(PooledTransport(looker.url, **chosen))
        return Caller(looker, made[-1])

    yield make
    for transport in made:
        transport.close()


@pytest.mark.parametrize("kind", PASSING)
def test_what_may_pass_is_tried_again(looker: Looker, calling: Callable[..., Caller], kind: str) -> None:
    caller = calling()
    looker.faults.add(Fault(kind, path="/user", times=2))
    assert b'"id":"1"' in caller.get()
    assert looker.faults.fired[kind] == 2
    assert caller.transport.calls == looker.requests.total == 3


@pytest.mark.parametrize("kind", [*PASSING, "slow"])
def test_retries_are_bounded(looker: Looker, calling: Callable[..., Caller], brake: Brake, kind: str) -> None:
    caller = calling(timeout=0.2, retries=2)
    looker.faults.add(Fault(kind, times=None, seconds=2.0 if kind == "slow" else None))
    with pytest.raises(LookerRefused if kind == "500" else LookerUnavailable) as caught:
        caller.get()
    assert caller.transport.calls == 3
    assert "GET /api/4.0/user" in str(caught.value)
    assert caller.token not in repr(caught.value)
    assert brake._unanswered == (0 if kind == "500" else 1)


@pytest.mark.parametrize("kind", ["403", "404", "expire"])
def test_a_refusal_is_final_and_carries_its_status(looker: Looker, calling: Callable[..., Caller], kind: str) -> None:
    caller = calling()
    looker.faults.add(Fault(kind, times=None))
    with pytest.raises(LookerRefused) as caught:
        caller.get()
    assert caught.value.code == (401 if kind == "expire" else int(kind))
    assert caller.transport.calls == 1


@pytest.mark.usefixtures("impatient")
def test_nobody_listens(brake: Brake) -> None:
    with closing(
        PooledTransport("http://127.0.0.1:9", timeout=1, retries=1, brake=brake, flight=Flight(1))
    ) as transport:
        with pytest.raises(LookerUnavailable, match=r"GET /api/4\.0/user: 127\.0\.0\.1:9 refuses connections"):
            transport.request(HttpMethod.GET, "http://127.0.0.1:9/api/4.0/user")
        assert transport.calls == 2


def test_an_answer_mends_the_brake_and_silence_wears_it(
    looker: Looker, calling: Callable[..., Caller], brake: Brake
) -> None:
    caller = calling(retries=0)
    for expected in (False, False, True):
        looker.faults.add(Fault("502"))
        with pytest.raises(LookerUnavailable):
            caller.get()
        assert brake.exhausted is expected
    looker.faults.add(Fault("404"))
    with pytest.raises(LookerRefused):
        caller.get()
    assert not brake.exhausted


@pytest.mark.parametrize("kind", ["429", "503"])
def test_retry_after_is_honoured_by_every_thread(looker: Looker, calling: Callable[..., Caller], kind: str) -> None:
    caller = calling()
    looker.faults.add(Fault(kind, path="/user", retry_after=1))
    begun = time.monotonic()
    ends: list[float] = []

    def get() -> None:
        caller.get()
        ends.append(time.monotonic() - begun)

    threads = [threading.Thread(target=get)]
    threads[0].start()
    while not looker.faults.fired[kind]:
        time.sleep(0.005)
    time.sleep(0.05)
    threads += [threading.Thread(target=get) for _ in range(5)]
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 6
    assert min(ends) >= 1.0
    assert caller.transport.calls == 7


def test_a_pause_that_outlives_the_run_is_not_begun(looker: Looker, calling: Callable[..., Caller]) -> None:
    caller = calling(brake=Brake(deadline=time.monotonic() + 2))
    looker.faults.add(Fault("429", retry_after=60))
    begun = time.monotonic()
    with pytest.raises(LookerUnavailable, match="HTTP 429"):
        caller.get()
    assert time.monotonic() - begun < 1
    assert caller.transport.calls == 1


def test_a_run_that_ends_tries_nothing_again(looker: Looker, calling: Callable[..., Caller], brake: Brake) -> None:
    caller = calling()
    brake.stop()
    looker.faults.add(Fault("502", times=None))
    with pytest.raises(LookerUnavailable):
        caller.get()
    assert caller.transport.calls == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("86400", MAX_RETRY_AFTER_SECONDS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
    ],
)
def test_the_header_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after(Answer(429, b"", header)) == seconds


def test_an_empty_answer_is_an_answer(looker: Looker, calling: Callable[..., Caller]) -> None:
    caller = calling()
    answer = caller.transport.request(
        HttpMethod.DELETE,
        f"{looker.url}/api/logout",
        authenticator=lambda _: {"Authorization": f"Bearer {caller.token}"},
    )
    assert (answer.ok, answer.value) == (True, b"")
    assert looker.open_tokens == 0


@pytest.mark.usefixtures("slowly")
def test_fifty_threads_share_their_connections_and_every_call_is_counted(
    looker: Looker, calling: Callable[..., Caller]
) -> None:
    caller = calling()
    threads = [threading.Thread(target=lambda: [caller.get() for _ in range(4)]) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert caller.transport.calls == looker.requests.total == 200
    assert len(looker.requests.find(status=200)) == 200
    assert len(caller.transport._connections._idle) <= 50


@pytest.fixture
def slowly(looker: Looker) -> None:
    """Answers take long enough for the threads to ask at the same time."""
    looker.faults.add(Fault("slow", times=None, seconds=0.05))
