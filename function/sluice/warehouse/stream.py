"""An iterator of lines as the file a resumable upload reads."""

from collections.abc import Iterator


class LineStream:
    """Reads as many bytes as asked, whatever it takes, unless the lines have ended.

    To google-resumable-media a read of fewer bytes than asked is the end of the upload, so this one waits for the
    iterator instead. What was read last stays in memory, so that an upload can go back to any byte of it: a server may
    have kept only part of a chunk. What the iterator raises, `read` raises: the upload is then abandoned.
    """

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._held = bytearray()
        self._start = 0  # offset in the stream of the first byte held
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int) -> int:
        """Go to a byte that is held.

        Raises:
            ValueError: that byte was let go, or not yet read.
        """
        if not self._start <= offset <= self._start + len(self._held):
            raise ValueError(f"byte {offset} is not held any more")
        self._position = offset
        return offset

    def read(self, size: int) -> bytes:
        del self._held[: self._position - self._start]
        self._start = self._position
        while len(self._held) < size:
            line = next(self._lines, None)
            if line is None:
                break
            self._held += line
        piece = bytes(self._held[:size])
        self._position += len(piece)
        return piece
