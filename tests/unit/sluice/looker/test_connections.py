"""Connections at a server that does what servers and the network do to them, with and without TLS."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import BadStatusLine, IncompleteRead
from pathlib import Path

import pytest

from bench.certificate import Certificate
from sluice.looker import connections
from sluice.looker.connections import Answer, Connections
from sluice.looker.flight import Flight
from tests.unit.sluice.looker.scripted import OK, Act, Server, hang_up, reset, say, silence, then, waiting


def connections_to(origin: str, timeout: float = 2) -> Connections:
    return Connections(origin, timeout=timeout, flight=Flight(1 << 30))


@pytest.fixture
def ours(server: Server) -> Iterator[Connections]:
    with closing(connections_to(server.origin)) as made:
        yield made


def get(ours: Connections) -> Answer:
    return ours.send("GET", "/a?b=1", None, {"Authorization": "Bearer t"})


def numbers(server: Server) -> list[int]:
    return [number for number, _ in server.heard]


def test_a_connection_is_used_again(server: Server, ours: Connections) -> None:
    assert [get(ours) for _ in range(3)] == [Answer(200, b"{}")] * 3
    assert numbers(server) == [1, 1, 1]
    assert ours.sent == 3


def test_what_is_sent(server: Server, ours: Connections) -> None:
    get(ours)
    ours.send("POST", "/login", None, {})
    (_, first), (_, second) = server.heard
    assert first.startswith("GET /a?b=1 HTTP/1.1\r\n")
    for line in ("Authorization: Bearer t", "User-Agent: sluice", "Accept-Encoding: gzip"):
        assert f"\r\n{line}\r\n" in first
    assert "\r\nContent-Length: 0\r\n" in second


@pytest.mark.parametrize("how", [hang_up, reset])
def test_connections_that_the_server_closed_meanwhile_cost_no_answer(
    server: Server, ours: Connections, how: Act
) -> None:
    both, read = threading.Barrier(2), threading.Event()
    server.script = [then(waiting(both), say(OK), waiting(read), how)] * 2
    threads = [threading.Thread(target=get, args=(ours,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read.set()
    for _ in range(2):
        server.ended.acquire(timeout=5)
    assert len(ours._idle) == 2
    # Never a second idle one: with fifty of them, all retries would be spent on what is closed.
    assert get(ours).status == 200
    assert numbers(server)[2:] == [3]
    assert get(ours).status == 200
    assert numbers(server)[2:] == [3, 3]
    assert ours.sent == 4


@pytest.mark.parametrize("how", [hang_up, reset])
def test_a_new_connection_that_breaks_is_a_failure(server: Server, ours: Connections, how: Act) -> None:
    server.script = [how]
    with pytest.raises(ConnectionError):
        get(ours)
    assert numbers(server) == [1]
    assert get(ours).status == 200


def test_silence_is_a_failure_and_nothing_is_asked_twice(server: Server) -> None:
    with closing(connections_to(server.origin, timeout=0.2)) as ours:
        get(ours)
        server.script = [silence]
        with pytest.raises(TimeoutError):
            get(ours)
        assert numbers(server) == [1, 1]
        # The answer may still come, to nobody.
        assert get(ours).status == 200
        assert numbers(server) == [1, 1, 2]


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", IncompleteRead),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{", IncompleteRead),
        (b"SSH-2.0-OpenSSH\r\n", BadStatusLine),
    ],
)
def test_half_an_answer_is_a_failure_and_its_connection_is_gone(
    server: Server, ours: Connections, text: bytes, failure: type[Exception]
) -> None:
    get(ours)
    server.script = [then(say(text), hang_up)]
    with pytest.raises(failure):
        get(ours)
    assert get(ours).status == 200
    assert numbers(server) == [1, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_connection_that_the_server_wants_closed_is_not_kept(server: Server, ours: Connections, text: bytes) -> None:
    server.script = [then(say(text), hang_up)]
    assert get(ours) == Answer(200, b"{}")
    assert not ours._idle
    get(ours)
    assert numbers(server) == [1, 2]


def test_every_status_is_an_answer_and_redirects_are_not_followed(server: Server, ours: Connections) -> None:
    server.script = [
        say(b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
        say(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"),
        say(b"HTTP/1.1 204 No Content\r\n\r\n"),
    ]
    assert [get(ours) for _ in range(3)] == [Answer(429, b"", "7"), Answer(302, b"", "", "/b"), Answer(204, b"")]
    assert numbers(server) == [1, 1, 1]


def test_the_idle_ones_are_closed_at_the_end(server: Server, ours: Connections) -> None:
    get(ours)
    ours.close()
    assert server.ended.acquire(timeout=5)
    assert not ours._idle


def test_a_server_that_accepts_and_says_nothing_does_not_hold_the_handshake(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate
) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with closing(connections_to(f"https://127.0.0.1:{port}", timeout=60)) as ours, pytest.raises(TimeoutError):
            get(ours)


def test_authorities_are_read_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(connections_to(server.origin)) as ours:
        monkeypatch.setattr(ssl, "create_default_context", None)
        monkeypatch.setattr(ssl, "_create_default_https_context", None)
        server.script = [then(say(OK), hang_up)]
        get(ours)
        assert server.ended.acquire(timeout=5)
        assert get(ours).status == 200
