"""Every request ends in time, whatever the peer does and whenever the deadline is moved."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from looker_sdk.rtl.transport import HttpMethod

from local.looker.faults import Fault
from sluice.errors import LookerUnavailable
from sluice.looker import connections, session, transport, watch
from sluice.looker.brake import Brake
from sluice.looker.connections import Connections
from sluice.looker.flight import Flight
from sluice.looker.transport import PooledTransport
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.scripted import Act, Server, drip, hang_up, say, silence, then
from tests.unit.sluice.looker.sessions import client

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"id": "' + b"x" * 200 + b'"}'


def pause(seconds: float) -> Act:
    return lambda _: time.sleep(seconds)


TRICKLES = {
    "status": drip(HEAD * 9, 0.02),
    "headers": then(say(HEAD), drip(b"X-Padding: " + b"x" * 300, 0.02)),
    "interim answers": drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9, 0.02),
    "body": then(say(HEAD + b"Content-Length: 210\r\n\r\n"), drip(BODY, 0.02)),
    "chunks": then(say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), drip(b"1\r\nx\r\n" * 60, 0.02)),
    "body without a length": then(say(HEAD + b"Connection: close\r\n\r\n"), drip(BODY, 0.02), hang_up),
    "nothing": silence,
}


@pytest.fixture(autouse=True)
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "INTERVAL_SECONDS", 0.02)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


@pytest.mark.parametrize("how", TRICKLES)
def test_who_trickles_is_cut_when_the_time_of_the_step_is_over(server: Server, how: str) -> None:
    server.script = [TRICKLES[how]]
    with closing(Connections(server.origin, timeout=0.5, flight=Flight(1))) as ours:
        with at_most(2), pytest.raises(TimeoutError):
            ours.send("GET", "/a", None, {})
        assert ours.send("GET", "/a", None, {}).status == 200
    assert [number for number, _ in server.heard] == [1, 2]


@pytest.mark.parametrize("how", TRICKLES)
def test_who_is_under_way_is_cut_when_the_deadline_is_brought_forward(
    server: Server, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(transport, "GRACE_SECONDS", 0.0)
    server.script, brake = [TRICKLES[how]], Brake(deadline=time.monotonic() + 60)
    with closing(PooledTransport(server.origin, timeout=60, retries=5, brake=brake, flight=Flight(1))) as ours:
        threading.Timer(0.3, lambda: brake.bring_forward(time.monotonic())).start()
        with at_most(2), pytest.raises(LookerUnavailable, match="GET /a: TimeoutError"):
            ours.request(HttpMethod.GET, f"{server.origin}/a")
        assert ours.calls == 1
        with pytest.raises(LookerUnavailable, match="time is over"):
            ours.request(HttpMethod.GET, f"{server.origin}/a")
        assert ours.calls == 1
    assert not brake._unanswered


def test_what_is_under_way_at_the_deadline_may_end(server: Server) -> None:
    server.script, brake = (
        [then(pause(0.5), say(HEAD + b"Content-Length: 2\r\n\r\n{}"))],
        Brake(),
    )
    with closing(PooledTransport(server.origin, timeout=60, retries=0, brake=brake, flight=Flight(1))) as ours:
        brake.bring_forward(time.monotonic() + 0.2)
        assert ours.request(HttpMethod.GET, f"{server.origin}/a").value == b"{}"
    assert brake.expired


def test_the_time_of_an_answer_begins_with_each_step(server: Server) -> None:
    server.script = [then(pause(0.4), say(HEAD + b"Content-Length: 2\r\n\r\n"), pause(0.4), say(b"{}"))]
    with closing(Connections(server.origin, timeout=0.6, flight=Flight(1))) as ours:
        assert ours.send("GET", "/a", None, {}).data == b"{}"


@pytest.mark.parametrize(
    "wait", [lambda brake: brake.sleep(60), lambda brake: brake.hold(60), lambda brake: brake.wait()]
)
def test_a_pause_ends_when_the_deadline_is_brought_forward(wait: Callable[[Brake], object]) -> None:
    brake = Brake(deadline=time.monotonic() + 600)
    threading.Thread(target=lambda: brake.hold(60), daemon=True).start()
    time.sleep(0.05)
    threading.Timer(0.1, lambda: brake.bring_forward(time.monotonic() + 0.1)).start()
    with at_most(1):
        assert not wait(brake)


def test_the_thread_that_watches_ends_with_the_requests(server: Server) -> None:
    ours = Connections(server.origin, timeout=5, flight=Flight(1))
    ours.send("GET", "/a", None, {})
    ours.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "looker-watch"]


@pytest.mark.usefixtures("impatient")
def test_after_the_deadline_only_logouts_are_sent(start: Start) -> None:
    looker, brake = start(), Brake()
    ours = client(looker, brake)
    user = ours.sudo("12")
    user.get("/user")
    brake.bring_forward(time.monotonic())
    sent = ours.calls
    for late in (user, ours.admin, ours.sudo("19")):
        with pytest.raises(LookerUnavailable, match="time is over"):
            late.get("/user")
    assert ours.calls == sent
    user.close()
    ours.close()
    assert looker.open_tokens == 0
    assert ours.calls == sent + 2


@pytest.mark.usefixtures("impatient")
def test_a_looker_that_hangs_does_not_hold_the_end_of_a_run(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LOGOUT_SECONDS", 0.3)
    looker, brake = start(), Brake()
    ours = client(looker, brake)
    users = [ours.sudo(user) for user in ("12", "19", "26", "40", "47")]
    for user in users:
        user.get("/user")
    looker.faults.add(Fault("slow", path="/logout", times=None, seconds=30))
    brake.stop()
    with at_most(2):
        for user in users:
            user.close()
        ours.close()
    assert looker.faults.fired["slow"] == 1


def test_names_that_are_not_looked_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.3)
    release = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: release.wait(20) and [])
    ours = Connections("http://looker.invalid", timeout=60, flight=Flight(1))
    with closing(ours), at_most(2), pytest.raises(TimeoutError):
        ours.send("GET", "/a", None, {})
    release.set()


def test_a_handshake_that_trickles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.5)
    with closing(Server()) as plain:
        plain.handshake = drip(b"\x16\x03\x03\x40\x00" + bytes(300), 0.05)
        ours = Connections(plain.origin.replace("http", "https"), timeout=60, flight=Flight(1))
        with closing(ours), at_most(2), pytest.raises(TimeoutError):
            ours.send("GET", "/a", None, {})
