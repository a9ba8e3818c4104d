"""The body of an answer, read whole: decoded where it is compressed, refused where it is too large to be one."""

import re
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse, IncompleteRead

from sluice.looker.flight import SMALL_BYTES

MAX_BODY_BYTES = 256 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
STEP_BYTES = 4 * 1024 * 1024

GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS

type Take = Callable[[int], None]


class Unreadable(HTTPException):
    """The body cannot be had from this answer; the text says why, and quotes nothing of it."""


class TooLarge(Unreadable):
    """More bytes than any conversation has; asking again gives the same."""


class UnknownEncoding(Unreadable):
    """Compressed in a way that was not asked for; asking again gives the same."""


def read(response: HTTPResponse, take: Take) -> bytes:
    """The decoded body; `take` is called with sizes, in bytes, before that many are held, unless they are few.

    Raises:
        Unreadable, HTTPException, OSError: there is no whole body, or it is none that was asked for.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if response.length is not None and encoding in {"", "identity"}:
        _check(response.length)
        if response.length > SMALL_BYTES:
            take(response.length)
        return response.read()
    pieces: list[bytes] = []
    size, taken = 0, SMALL_BYTES
    for piece in _decoded(response, encoding):
        size += len(piece)
        _check(size)
        if size > taken:
            take(STEP_BYTES)
            taken += STEP_BYTES
        pieces.append(piece)
    return b"".join(pieces)


def _check(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise TooLarge(f"a body of more than {MAX_BODY_BYTES >> 20} MB")


def _decoded(response: HTTPResponse, encoding: str) -> Iterator[bytes]:
    """The servers of RFC 9110 8.4.1.2 send "deflate" with the frame of zlib, and others without any."""
    if encoding in {"", "identity"}:
        return _pieces(response)
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _inflated(_pieces(response), may_be_bare=encoding == "deflate")
    told = encoding if re.fullmatch(r"[a-z0-9-]{1,20}", encoding) else "of another kind"
    raise UnknownEncoding(f"a Content-Encoding that was not asked for: {told}")


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    while piece := response.read(PIECE_BYTES):
        yield piece
    if response.length:
        raise IncompleteRead(b"", response.length)


def _inflated(packed: Iterator[bytes], *, may_be_bare: bool) -> Iterator[bytes]:
    """Never more than a piece at once, however much it was before it was compressed."""
    inflater = None
    try:
        for piece in packed:
            rest = piece
            while rest:
                if inflater is None or inflater.eof:  # gzip may be several in a row
                    inflater = zlib.decompressobj(RAW_DEFLATE if may_be_bare and _is_bare(rest) else GZIP_OR_ZLIB)
                yield inflater.decompress(rest, PIECE_BYTES)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        if inflater is not None:
            yield inflater.flush()
    except zlib.error as error:
        raise Unreadable("a compressed body that is broken") from error
    if inflater is not None and not inflater.eof:
        raise Unreadable("a compressed body that was cut short")


def _is_bare(packed: bytes) -> bool:
    """RFC 1950 2.2: the frame begins with two bytes that are, as a number, a multiple of 31."""
    return packed[0] & 0x0F != zlib.DEFLATED or int.from_bytes(packed[:2]) % 31 != 0
