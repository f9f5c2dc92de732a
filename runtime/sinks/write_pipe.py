"""What PyAV writes to: a file of ours that keeps its first error instead of raising it."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

__all__ = ["SeekableWritePipe", "WritePipe"]


class WritePipe:
    """It never fails: its caller is FFmpeg, to which no exception of ours may come.

    The first error is kept, to be raised outside; after it nothing more is written.

    Attributes:
        taken: bytes that PyAV handed over.
        broken: whether one of them could not be written, and nothing after it was.
    """

    def __init__(self, write_all: Callable[[bytes], None]) -> None:
        self.taken = 0
        self.broken = False
        self._write_all = write_all
        self._error: Exception | None = None

    def write(self, content: bytes) -> int:
        """Take what PyAV hands over; gives its length, always."""
        if not self.broken:
            try:
                self._write_all(bytes(content))
            except Exception as error:  # out of memory, too
                self._error = error
                self.broken = True
        self.taken += len(content)
        return len(content)

    def raise_error(self) -> None:
        """Raise the first error, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error


class SeekableWritePipe(WritePipe):
    """The same for a container that writes into its head at the end, such as its duration."""

    def __init__(self, handle: BinaryIO, write_all: Callable[[bytes], None]) -> None:
        super().__init__(write_all)
        self._handle = handle

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; gives the place."""
        return self._handle.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._handle.tell()
