"""Memory for intermediate results that is used again for the next frame.

What a frame's work allocates and frees again costs page faults and, over months, fragments. So the
large intermediate arrays live here. What is handed out, such as a result's labels, never does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Scratch", "ScratchPool"]


class Scratch:
    """Named arrays for one piece of work at a time; each name keeps the memory of its largest."""

    def __init__(self) -> None:
        self._buffers: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array with whatever was in its memory; the one given before for ``name`` is void."""
        import numpy as np

        bytes_wanted = math.prod(shape) * np.dtype(dtype).itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < bytes_wanted:
            # A quarter more: frames differ a little, and each growth is an allocation.
            buffer = self._buffers[name] = np.empty(bytes_wanted * 5 // 4, np.uint8)
        return buffer[:bytes_wanted].view(dtype).reshape(shape)


class ScratchPool:
    """Lends scratch memory to any number of threads; as much stays as was lent at one time."""

    def __init__(self) -> None:
        self._free: list[Scratch] = []

    @contextmanager
    def lend(self) -> Iterator[Scratch]:
        """Memory that nobody else has until the block ends."""
        try:
            scratch = self._free.pop()  # one step, also among threads
        except IndexError:
            scratch = Scratch()
        try:
            yield scratch
        finally:
            self._free.append(scratch)
