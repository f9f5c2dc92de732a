"""Two folders change names in one step, where the system can: at no moment is either gone."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["exchange"]

_HERE = -100  # AT_FDCWD: paths are taken as they are
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two existing paths of one file system; False if that cannot be done.

    Linux's ``renameat2`` does it, on the usual file systems. Nothing is changed where it cannot.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # an older or another C library
        return False
    names = os.fsencode(first), os.fsencode(second)
    done: int = rename(_HERE, names[0], _HERE, names[1], _EXCHANGE)
    return done == 0
