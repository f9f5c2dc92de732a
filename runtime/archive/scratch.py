"""Folders on a worker's own disk for what is being written; those of workers that died are removed.

A killed worker leaves its folder behind. Who lives holds a lock on a file in it, which the system
lets go at any death; so whoever comes next tells one from the other.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "mgca-archive-"
LOCK = "lock"

__all__ = ["remove_left_behind", "scratch_folder"]


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder for the block, removed at its end."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        with (Path(folder) / LOCK).open("wb") as lock:
            _try_lock(lock.fileno())
            own = Path(folder) / "files"
            own.mkdir()
            yield own


def remove_left_behind() -> None:
    """Remove the folders of this user's workers that are no longer alive."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), path.open("rb") as lock:
            if _try_lock(lock.fileno()):
                shutil.rmtree(path.parent, ignore_errors=True)


def _try_lock(descriptor: int) -> bool:
    """Whether the lock could be taken; False where the system has none."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
