from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.warehouse.stream import LineStream

lines = st.lists(st.binary(max_size=30), max_size=20)


@given(lines, st.lists(st.integers(1, 40), min_size=1))
def test_what_is_read_is_the_concatenation_whatever_the_sizes(each: list[bytes], sizes: list[int]) -> None:
    stream, whole = LineStream(iter(each)), b"".join(each)
    read = b""
    for number in range(1000):
        size = sizes[number % len(sizes)]
        piece = stream.read(size)
        assert stream.tell() == len(read) + len(piece)
        assert len(piece) == size or read + piece == whole, "a short read is the end"
        read += piece
        if len(piece) < size:
            break
    assert read == whole
    assert stream.read(7) == b""


@given(lines, st.integers(1, 40), st.lists(st.floats(0, 1), max_size=12))
def test_it_goes_back_to_any_byte_of_what_was_read_last(each: list[bytes], size: int, backs: list[float]) -> None:
    stream, whole = LineStream(iter(each)), b"".join(each)
    for back in [*backs, 0.0]:
        start = stream.tell()
        piece = stream.read(size)
        assert piece == whole[start : start + size]
        to = start + int(len(piece) * (1 - back))
        assert stream.seek(to) == stream.tell() == to
    while piece := stream.read(size):
        assert piece == whole[stream.tell() - len(piece) : stream.tell()]
    assert stream.tell() == len(whole)


def test_what_was_let_go_or_not_yet_read_is_out_of_reach() -> None:
    stream = LineStream(iter([b"abcdef"]))
    stream.read(2)
    stream.read(2)
    for offset in (-1, 1, 7):
        with pytest.raises(ValueError, match=f"byte {offset} is not held"):
            stream.seek(offset)
    assert stream.tell() == 4


def test_no_more_is_taken_than_is_asked_for() -> None:
    taken = []

    def each() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield b"x" * 10

    stream = LineStream(each())
    stream.read(25)
    assert taken == [0, 1, 2]
    stream.read(5)
    assert taken == [0, 1, 2]


def test_what_the_lines_raise_comes_out() -> None:
    def each() -> Iterator[bytes]:
        yield b"abc"
        raise KeyError("broken")

    stream = LineStream(each())
    assert stream.read(3) == b"abc"
    with pytest.raises(KeyError):
        stream.read(3)


def test_memory_is_bounded_by_a_piece_and_a_line() -> None:
    stream = LineStream(b"x" * 100 for _ in range(1000))
    while stream.read(1000):
        assert len(stream._piece) + len(stream._rest) <= 1000 + 100
