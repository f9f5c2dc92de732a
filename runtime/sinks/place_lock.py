"""Outputs that another run is writing: told by locks on the files and folders themselves.

Such a lock leaves nothing behind and ends with its process, however that ends. Where the system or
the file system knows no locks, nothing is locked, and the last run to write has the name.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from runtime.errors import MgcaError, UserError

#: Somebody's look at a folder holds it for a moment.
_LOOK_S = 0.5

__all__ = ["FolderLock", "is_being_written", "lock_handle", "refuse_being_written"]


def lock_handle(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; False if another run writes it."""
    return _lock(descriptor, exclusive=True)


def is_being_written(path: str | Path) -> bool:
    """Whether a run, also one of this process, has locked what stands under a name."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        return not _lock(descriptor, exclusive=False)
    finally:
        os.close(descriptor)


def refuse_being_written(flag: str, given: str, path: Path) -> None:
    """Raise ``UserError`` for an output that a run is writing."""
    if is_being_written(path):
        raise UserError(_describe(flag, given))


class FolderLock:
    """A folder whose files belong together, so that one run at a time may write to it."""

    def __init__(self, flag: str, folder: Path) -> None:
        self.flag = flag
        self.folder = folder
        self._descriptor: int | None = None

    def check(self) -> None:
        """Raise ``UserError`` if another run writes to it."""
        refuse_being_written(self.flag, str(self.folder), self.folder)

    def take(self) -> None:
        """Lock the folder, which exists; a second call does nothing.

        Raises:
            MgcaError: another run has it.
        """
        if self._descriptor is not None or os.name == "nt":
            return
        descriptor = os.open(self.folder, os.O_RDONLY)
        end = time.monotonic() + _LOOK_S
        while not lock_handle(descriptor):
            if time.monotonic() > end:
                os.close(descriptor)
                raise MgcaError(_describe(self.flag, str(self.folder)))
            time.sleep(_LOOK_S / 20)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of it; may be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _lock(descriptor: int, *, exclusive: bool) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _describe(flag: str, given: str) -> str:
    return f"{flag} {given} is being written by another run; give each run its own"
