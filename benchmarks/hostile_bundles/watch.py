"""Folders watched by the system itself: who opened or changed what lies in them (inotify)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping
from pathlib import Path

from runtime.errors import MgcaError

_CHANGES = 0x2 | 0x40 | 0x80 | 0x100 | 0x200  # modified, moved from or to, created, deleted
_READS = 0x1 | 0x20  # accessed, opened
_IS_FOLDER = 0x40000000
_EVENT = struct.Struct("iIII")

__all__ = ["FolderWatch"]


class FolderWatch:
    """Watches folders, not what lies deeper.

    Args:
        folders: each with whether reading it counts, too.
    """

    def __init__(self, folders: Mapping[Path, bool]) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._descriptor: int = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watched: dict[int, Path] = {}
        for folder, reads in folders.items():
            mask = _CHANGES | (_READS if reads else 0)
            number = library.inotify_add_watch(self._descriptor, os.fsencode(folder), mask)
            if number < 0:
                raise MgcaError(f"{folder} cannot be watched; expected Linux with inotify")
            self._watched[number] = folder

    def events(self) -> list[str]:
        """Paths that were touched since the last call, each once."""
        touched: dict[str, None] = {}
        while True:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return list(touched)
            place = 0
            while place < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, place)
                name = data[place + _EVENT.size : place + _EVENT.size + length].rstrip(b"\0")
                place += _EVENT.size + length
                if name or not mask & _IS_FOLDER:
                    touched[str(self._watched.get(number, Path("?")) / os.fsdecode(name))] = None

    def close(self) -> None:
        """Stop watching."""
        os.close(self._descriptor)
