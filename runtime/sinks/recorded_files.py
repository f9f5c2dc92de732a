"""The files of a recording: their names, which of a folder are ours, and which must go.

A name is the stream's and the start's in UTC: ``door_20260131T235959.125Z.mp4``. What carries such
a name *and* :data:`MARK` in its head was written by this program; nothing else is ever removed. So
a recording is kept for good by giving it another name.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runtime.sinks.place_lock import is_being_written, lock_handle

ENDING = ".mp4"
#: Stands in the metadata at the head of each file.
MARK = "segment of a recording by mgca-rt"
_NAME = re.compile(r"(?:(?P<stream>.+)_)?(?P<start>\d{8}T\d{6}\.\d{3}Z)\.mp4", re.ASCII)
_HEAD_BYTES = 1 << 13
_FORBIDDEN = re.compile(r"[^\w.-]+")

__all__ = [
    "MARK",
    "NewFile",
    "RecordedFile",
    "create_file",
    "find_files",
    "plain_name",
    "remove_oldest",
]


@dataclass(frozen=True)
class RecordedFile:
    """One file of a recording.

    Attributes:
        path: where it is.
        stream: the name of its stream as it stands in the file's name, "" without one.
        start: the start as it stands in the name; sorts by time.
        size: bytes.
    """

    path: Path
    stream: str
    start: str
    size: int


def plain_name(name: str) -> str:
    """A stream's name as a file's name may have it: letters, digits, ``.``, ``-`` and ``_``."""
    return _FORBIDDEN.sub("_", name).lstrip(".")


class NewFile:
    """A file that is being written: under a hidden name until something in it plays.

    It is locked, so that nobody who makes room removes it.

    Attributes:
        path: where it is going to be.
        handle: unbuffered.
    """

    def __init__(self, path: Path, beside: Path) -> None:
        self.path = path
        self._beside: Path | None = beside
        self.handle: BinaryIO = open(beside, "xb", buffering=0)
        lock_handle(self.handle.fileno())

    def publish(self) -> Path:
        """Put it in its place, which nothing has; a second call does nothing. Gives the place.

        Raises:
            OSError: it cannot be put there.
        """
        if self._beside is not None:
            os.rename(self._beside, self.path)
            self._beside = None
        return self.path

    def close(self) -> None:
        """End it; what was never published is removed."""
        try:
            self.handle.close()
        finally:
            beside, self._beside = self._beside, None
            if beside is not None:
                beside.unlink(missing_ok=True)


def create_file(folder: Path, stream: str, started_at: float) -> NewFile:
    """Create the file of a segment that begins at ``started_at`` (seconds since 1970).

    Where there is one of that name already, a clock having gone back, the name says a millisecond
    more.

    Raises:
        OSError: it cannot be created.
    """
    milliseconds = round(started_at * 1000)
    while True:
        seconds, rest = divmod(milliseconds, 1000)
        start = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}.{rest:03d}Z"
        path = folder / ("_".join(filter(None, (plain_name(stream), start))) + ENDING)
        beside = path.with_name(f".{path.name}.part")  # of that name there is one in the folder
        try:
            if not path.exists():
                return NewFile(path, beside)
        except FileExistsError:
            pass
        milliseconds += 1


def find_files(folder: Path, known: set[Path]) -> list[RecordedFile]:
    """The recorded files of a folder, oldest first.

    Args:
        folder: where to look; folders in it are left alone.
        known: files whose heads need not be read again; those that are found are added.
    """
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            path = folder / entry.name
            try:
                if name is None or not entry.is_file(follow_symlinks=False):
                    continue
                if path not in known and not _is_marked(path):
                    continue
                size = entry.stat(follow_symlinks=False).st_size
            except OSError:  # another recording has just removed it
                continue
            known.add(path)
            found.append(RecordedFile(path, name["stream"] or "", name["start"], size))
    return sorted(found, key=lambda one: (one.start, one.stream))


def remove_oldest(folder: Path, most_bytes: int, known: set[Path]) -> int:
    """Remove the oldest recorded files until the others hold ``most_bytes`` at most.

    The newest of each stream stays whatever it holds, and so does what is being written: where the
    clock has gone back, that is not the newest by its name. Gives how many were removed.

    Raises:
        OSError: the folder cannot be read, or a file not removed.
    """
    files = find_files(folder, known)
    newest = {one.stream: one.path for one in files}
    total, removed = sum(one.size for one in files), 0
    for one in files:
        if total <= most_bytes:
            break
        if newest[one.stream] == one.path or is_being_written(one.path):
            continue
        one.path.unlink(missing_ok=True)
        known.discard(one.path)
        total -= one.size
        removed += 1
    return removed


def _is_marked(path: Path) -> bool:
    with path.open("rb") as stream:
        return MARK.encode() in stream.read(_HEAD_BYTES)
