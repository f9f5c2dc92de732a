"""Checks on the place a bundle will be written to, before any work is done."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from runtime.bundle.writer import check_replaceable
from runtime.errors import UserError

MIB = 2**20


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
