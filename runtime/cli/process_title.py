"""What other users of the machine see of this process in their list of processes."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.redaction import remember_arguments

__all__ = ["hide_secret_arguments"]


def hide_secret_arguments(arguments: Sequence[str]) -> None:
    """Overwrite, in this process's list of arguments, those that hold a secret of an address.

    Linux alone, where the list lies in memory that the process may write; elsewhere, and where it
    is not found, nothing happens: an environment variable is the safer place (``${NAME}``).
    """
    secret = remember_arguments(arguments)
    if not secret or not sys.platform.startswith("linux"):
        return
    try:
        # The fields behind the command's name, which may hold blanks: 48 and 49 of proc(5).
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        listed = Path("/proc/self/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return
    if not start or ctypes.string_at(start, end - start) != listed:
        return
    place = start
    for entry in listed.split(b"\0"):
        if os.fsdecode(entry) in secret:
            ctypes.memset(place, ord("*"), len(entry))
        place += len(entry) + 1
