"""Files that appear whole or not at all: written beside their place, then renamed into it.

A line that is added to a file is there as a whole or not at all, too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["append_whole", "replacing", "write_whole"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path beside ``path`` to write to; it takes ``path``'s place when the block ends.

    If the block raises, what was written is removed and ``path`` stays as it was. The name beside
    ends in ``.part`` and differs from process to process and from call to call.

    Raises:
        OSError: the rename failed.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(3)}.part")
    try:
        yield beside
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes, *, synced: bool = False) -> None:
    """Write a file so that a reader sees all of it or nothing of it; raises ``OSError``.

    ``synced`` waits until the disk has it: then a crash of the machine leaves no empty file under
    the name either.
    """
    with replacing(path) as beside:
        with beside.open("wb") as stream:
            stream.write(content)
            if synced:
                stream.flush()
                os.fsync(stream.fileno())


def append_whole(path: Path, content: bytes) -> None:
    """Add to a file's end, all of it or nothing; raises ``OSError``."""
    with path.open("ab", buffering=0) as stream:
        at = stream.seek(0, os.SEEK_END)
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[stream.write(rest) :]
        except OSError:
            with suppress(OSError):
                stream.truncate(at)
            raise
