"""The C library's heap: what loading a model has freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

__all__ = ["limit_arenas", "trim_heap"]

_M_ARENA_MAX = -8  # of malloc.h


def trim_heap() -> bool:
    """Give the system back what is free at the moment; False where this C library cannot.

    Parsing a graph takes a copy of its weights for a moment, which glibc would keep for itself.
    """
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


def limit_arenas(count: int = 2) -> bool:
    """Let threads share ``count`` arenas, for a process that owns itself; False if it cannot.

    glibc gives each of the first threads an arena of its own (eight a core), and each keeps what
    its thread's largest frame once took.
    """
    libc = _glibc()
    return libc is not None and bool(libc.mallopt(_M_ARENA_MAX, count))


@lru_cache(maxsize=1)
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
