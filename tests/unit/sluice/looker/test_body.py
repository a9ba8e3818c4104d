"""Bodies as servers and load balancers send them: with and without a length, in chunks, compressed, broken."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException, IncompleteRead

import pytest

from sluice.looker import body as module
from sluice.looker.body import TooLarge, UnknownEncoding, Unreadable
from sluice.looker.connections import Connections
from sluice.looker.flight import Flight
from tests.unit.sluice.looker.scripted import Server, hang_up, say, then

TEXT = b'{"text": "' + b"lorem ipsum " * 300_000 + b'"}'
BARE = zlib.compressobj(wbits=-15)
PACKED = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP": gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
    "deflate": zlib.compress(TEXT),
    "Deflate": BARE.compress(TEXT) + BARE.flush(),
}


@pytest.fixture
def ours(server: Server) -> Iterator[Connections]:
    with closing(Connections(server.origin, timeout=5, flight=Flight(1 << 30))) as made:
        yield made


def answer(body: bytes, encoding: str, *, how: str = "length") -> bytes:
    head = b"HTTP/1.1 200 OK\r\n" + (f"Content-Encoding: {encoding}\r\n".encode() if encoding else b"")
    if how == "length":
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    if how == "close":
        return head + b"Connection: close\r\n\r\n" + body
    pieces = [body[at : at + 100_000] for at in range(0, len(body), 100_000)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def get(ours: Connections) -> bytes:
    return ours.send("GET", "/a", None, {}).data


@pytest.mark.parametrize("how", ["length", "chunks", "close"])
@pytest.mark.parametrize("encoding", PACKED)
def test_the_whole_body_arrives(server: Server, ours: Connections, encoding: str, how: str) -> None:
    server.script = [then(say(answer(PACKED[encoding], encoding, how=how)), *([hang_up] if how == "close" else []))]
    assert get(ours) == TEXT
    get(ours)
    assert [number for number, _ in server.heard] == ([1, 2] if how == "close" else [1, 1])


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_an_empty_body(server: Server, ours: Connections, encoding: str) -> None:
    server.script = [say(answer(b"", encoding))]
    assert get(ours) == b""


@pytest.mark.parametrize(
    ("body", "encoding", "failure"),
    [
        (PACKED["gzip"][:-9], "gzip", Unreadable),
        (PACKED["gzip"][:2000], "gzip", Unreadable),
        (PACKED["gzip"][:1000] + b"canary" * 200, "gzip", Unreadable),
        (TEXT, "gzip", Unreadable),
        (TEXT, "deflate", Unreadable),
        (PACKED["gzip"] + b"canary", "gzip", Unreadable),
        (TEXT, "br", UnknownEncoding),
        (TEXT, "zstd", UnknownEncoding),
        (TEXT, "gzip, gzip", UnknownEncoding),
    ],
)
def test_a_body_that_cannot_be_had_is_a_failure(
    server: Server, ours: Connections, body: bytes, encoding: str, failure: type[Exception]
) -> None:
    server.script = [say(answer(body, encoding))]
    with pytest.raises(failure) as caught:
        get(ours)
    assert "canary" not in repr(caught.value)
    assert get(ours) == b"{}"
    assert [number for number, _ in server.heard] == [1, 2]


def test_an_encoding_is_told_and_a_text_is_not(server: Server, ours: Connections) -> None:
    server.script = [say(answer(TEXT, "br")), say(answer(TEXT, "canary canary"))]
    with pytest.raises(UnknownEncoding, match="not asked for: br"):
        get(ours)
    with pytest.raises(UnknownEncoding, match="not asked for: of another kind"):
        get(ours)


@pytest.mark.parametrize("how", ["length", "chunks"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_half_a_body_is_a_failure(server: Server, ours: Connections, encoding: str, how: str) -> None:
    whole = answer(PACKED[encoding], encoding, how=how)
    server.script = [then(say(whole[: len(whole) // 2]), hang_up)]
    with pytest.raises(HTTPException) as caught:
        get(ours)
    assert isinstance(caught.value, IncompleteRead)


@pytest.mark.parametrize("how", ["length", "chunks", "close"])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_a_body_has_a_limit(
    server: Server, ours: Connections, monkeypatch: pytest.MonkeyPatch, encoding: str, how: str
) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", len(TEXT) - 1)
    act = then(say(answer(PACKED[encoding], encoding, how=how)), *([hang_up] if how == "close" else []))
    server.script = [act, act]
    with pytest.raises(TooLarge):
        get(ours)
    monkeypatch.setattr(module, "MAX_BODY_BYTES", len(TEXT))
    assert get(ours) == TEXT


def test_a_bomb_does_not_explode(server: Server, ours: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 2 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    server.script = [say(answer(bomb, "gzip"))]
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            get(ours)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("how", ["length", "chunks"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_large_bodies_are_counted_before_they_are_held(
    server: Server, monkeypatch: pytest.MonkeyPatch, encoding: str, how: str
) -> None:
    flight = Flight(1 << 30)
    with closing(Connections(server.origin, timeout=5, flight=flight)) as ours:
        server.script = [say(answer(PACKED[encoding], encoding, how=how))]
        with flight.job():
            assert get(ours) == TEXT
            assert len(TEXT) <= flight.held <= len(TEXT) + module.STEP_BYTES
            get(ours)
            assert flight.held <= len(TEXT) + module.STEP_BYTES
        assert flight.held == 0
