"""Pictures handed from one process to another: memory that both have, and that has no name.

Nothing stands in a folder, so nothing is left behind however the two end.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import threading

import numpy as np

#: Pictures that are on their way at once: one is written, one waits, one is read.
SLOTS = 3
#: Of larger pictures there is one, for the sake of memory.
LARGE_BYTES = 128 << 20
POLL_S = 0.1

__all__ = ["FrameReader", "FrameWriter", "create_memory"]


def create_memory() -> int:
    """The descriptor of empty memory that can be shared; it may grow and, on Linux, never shrink.

    What shrinks under a reader's hands ends the reader.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("mgca-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return descriptor
    with tempfile.TemporaryFile() as file:  # it has lost its name already
        return os.dup(file.fileno())


class FrameWriter:
    """Writes pictures into slots, each again once the reader has given it back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._free = threading.Semaphore(0)
        self._slots = 0
        self._slot_bytes = 0
        self._next = 0
        self._bytes: np.ndarray = np.empty(0, np.uint8)

    def put(self, image: np.ndarray, stop: threading.Event) -> int | None:
        """Write a uint8 picture; gives its place in bytes, None with ``stop``.

        Raises:
            OSError: there is no memory left for it.
        """
        if image.nbytes > self._slot_bytes:
            if not self._take(self._slots, stop):
                return None
            self._grow(image.nbytes)
        elif not self._take(1, stop):
            return None
        offset = self._next % self._slots * self._slot_bytes
        self._next += 1
        place = self._bytes[offset : offset + image.nbytes].reshape(image.shape)
        np.copyto(place, image)
        return offset

    def give_back(self) -> None:
        """The reader has read a picture; from any thread."""
        self._free.release()

    def _take(self, count: int, stop: threading.Event) -> bool:
        for _ in range(count):
            while not self._free.acquire(timeout=POLL_S):
                if stop.is_set():
                    return False
        return True

    def _grow(self, least_bytes: int) -> None:
        """Make the slots larger while none is in use; one of them is the caller's."""
        self._slots = SLOTS if least_bytes <= LARGE_BYTES else 1
        self._slot_bytes = -(-least_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        size = max(self._slots * self._slot_bytes, os.fstat(self._descriptor).st_size)
        if hasattr(os, "posix_fallocate"):  # a lack of memory is an error now, no crash later
            os.posix_fallocate(self._descriptor, 0, size)
        else:
            os.ftruncate(self._descriptor, size)
        self._bytes = np.frombuffer(mmap.mmap(self._descriptor, size), np.uint8)
        self._next = 0
        for _ in range(self._slots - 1):
            self._free.release()


class FrameReader:
    """Reads pictures from where the writer says that they lie; nothing it says is believed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._bytes: np.ndarray = np.empty(0, np.uint8)

    def read(self, offset: int, shape: tuple[int, int]) -> np.ndarray:
        """A copy of a picture, uint8 (height, width, 3) BGR.

        Raises:
            ValueError: no picture can lie there.
        """
        height, width = shape
        size = height * width * 3
        if offset < 0 or height < 1 or width < 1:
            raise ValueError("a picture without a size or a place")
        if offset + size > len(self._bytes):
            length = os.fstat(self._descriptor).st_size
            if offset + size > length:
                raise ValueError("a picture beyond the end of the memory")
            mapped = mmap.mmap(self._descriptor, length, prot=mmap.PROT_READ)
            self._bytes = np.frombuffer(mapped, np.uint8)
        return self._bytes[offset : offset + size].reshape(height, width, 3).copy()

    def close(self) -> None:
        """Let go of the memory."""
        self._bytes = np.empty(0, np.uint8)
