"""An iterator of lines as the file a resumable upload reads."""

from collections.abc import Iterator


class LineStream:
    """Reads as many bytes as asked, whatever it takes, unless the lines have ended.

    To google-resumable-media a read of fewer bytes than asked is the end of the upload, so this one waits for the
    iterator instead. What was read last stays in memory, so that an upload can go back to any byte of it: a server may
    have kept only part of a chunk. What the iterator raises, `read` raises: the upload is then abandoned.

    A piece is handed out as it is held, not copied: it may be megabytes. It is not to be used after the next `read`.
    """

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._piece = bytearray()  # what was read last
        self._rest = bytearray()  # of the lines taken, what was not yet read
        self._start = 0  # offset in the stream of the first byte of the piece
        self._position = 0
        self.ended = False
        """Whether there are no more lines."""

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int) -> int:
        """Go to a byte that is held.

        Raises:
            ValueError: that byte was let go, or not yet read.
        """
        if not self._start <= offset <= self._start + len(self._piece):
            raise ValueError(f"byte {offset} is not held any more")
        self._position = offset
        return offset

    def read(self, size: int) -> bytes | bytearray:
        # A new array each time: whoever sends the last piece may still look at it.
        piece = self._piece[self._position - self._start :] + self._rest
        self._start, self._piece, self._rest = self._position, piece, bytearray()
        while len(piece) < size:
            line = next(self._lines, None)
            if line is None:
                self.ended = True
                break
            piece += line
        if len(piece) > size:
            self._rest = piece[size:]
            del piece[size:]
        self._position += len(piece)
        # An empty array has no length to requests, which would then send it in chunks of its own.
        return piece or b""
