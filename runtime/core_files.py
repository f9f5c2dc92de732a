"""Processes of ours whose crash is foreseen leave no picture of their memory on the device."""

from __future__ import annotations

import contextlib

__all__ = ["leave_none"]


def leave_none() -> None:
    """This process and those that it starts write no core file; Windows knows none."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
