"""Locks between processes: one builds, the others wait for what it builds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import MgcaError

__all__ = ["LockedError", "hold_lock"]

_POLL_S = 0.1


class LockedError(MgcaError):
    """Another process holds the lock."""


@contextmanager
def hold_lock(
    path: Path, *, wait_s: float, on_wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold ``path`` as a lock; the system lets go of it even if the process is killed.

    Waits up to ``wait_s`` for another process (``on_wait`` is called once when it has to), then
    raises :class:`LockedError`. The file is removed at the end. Where the system has no such locks
    (Windows), nothing is locked: the files are still written whole or not at all.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    deadline = time.monotonic() + wait_s
    told = False
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
        else:
            if _is_still(path, descriptor):
                break
            # Whoever held it has removed the file between our open and our lock.
            os.close(descriptor)
            continue
        if time.monotonic() >= deadline:
            raise LockedError(f"{path.stem} is being built by another process; try again later")
        if not told and on_wait is not None:
            on_wait()
        told = True
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
