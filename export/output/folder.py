"""Checks on the place a bundle will be written to, before any work is done."""

from __future__ import annotations

import glob
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.backends.tensorrt.cache.locking import LockedError, hold_lock
from runtime.bundle.writer import check_replaceable
from runtime.errors import UserError

MIB = 2**20
_IN_USE = "in-use.lock"
_YOUNGEST_ABANDONED_S = 60.0


def check_output(out: Path, *, bytes_needed: int) -> None:
    """Refuse an output that cannot be written, would replace something else, or does not fit.

    Nothing is left behind.

    Args:
        out: the bundle's folder; it may be absent, empty, or hold an older bundle.
        bytes_needed: what the export will write at its largest, temporary files included.

    Raises:
        UserError: ``out`` is a file, a folder of something else, inside a place that cannot be
            written, or on a disk with less than ``bytes_needed`` free.
    """
    check_replaceable(out)
    parent = nearest_existing_parent(out)
    try:
        # Asked by doing: permissions alone do not tell of read-only and special file systems.
        tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=parent).cleanup()
    except OSError as error:
        raise UserError(
            f"--out {out}: {parent} cannot be written ({error.strerror}); expected a writable "
            "folder, name another"
        ) from None
    free = shutil.disk_usage(parent).free
    if free < bytes_needed:
        raise UserError(
            f"--out {out}: {free // MIB} MiB free on that disk, the export needs "
            f"{-(-bytes_needed // MIB)} MiB; free some or name a folder on another disk"
        )


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside ``out`` for what is not finished yet; it is gone afterwards.

    A killed export cannot tidy up (hundreds of MiB at ViT-L/14's size): what such ones have left
    is removed first. One that still runs holds a lock and is let be.
    """
    parent = nearest_existing_parent(out)
    prefix = f".{out.name}.export-"
    for folder in parent.glob(f"{glob.escape(prefix)}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        with hold_lock(Path(name) / _IN_USE, wait_s=0.0):
            yield Path(name)


def _is_abandoned(folder: Path) -> bool:
    """Whether nobody works in it. Without locks between processes (Windows) nobody can know."""
    if sys.platform == "win32" or not folder.is_dir():
        return False
    try:
        # Between its making and its lock lies a moment.
        if time.time() - folder.stat().st_mtime < _YOUNGEST_ABANDONED_S:
            return False
        with hold_lock(folder / _IN_USE, wait_s=0.0):
            return True
    except (LockedError, OSError):
        return False


def nearest_existing_parent(path: Path) -> Path:
    """Return the closest ancestor of ``path`` that exists (its own folder, usually)."""
    parent = path.absolute().parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    return parent


def folder_of_precision(out: Path, precision: str, precisions: tuple[str, ...]) -> Path:
    """Return where the bundle of one precision goes.

    The first named precision is ``out`` itself, each further one stands beside it, so that every
    folder is a whole bundle of its own: ``demo``, ``demo-fp16``, ``demo-int8``.
    """
    if precision == precisions[0]:
        return out
    return out.with_name(f"{out.name}-{precision}")
