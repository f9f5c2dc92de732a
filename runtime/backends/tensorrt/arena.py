"""Host and device memory of an engine's inputs and outputs, one block a side and direction.

All inputs lie in one block and all outputs in another, each pinned on the host with its twin on
the device, so that a frame needs one copy up and one down. The blocks are made for a number of text
rows, and made again, larger, only when more rows come than they hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.backends.cuda import Cuda

if TYPE_CHECKING:
    import numpy as np

# What TensorRT asks of the addresses it is given.
ALIGNMENT = 256

__all__ = ["ALIGNMENT", "Arena", "Block"]


@dataclass(frozen=True)
class _Slot:
    offset: int
    size: int


class Block:
    """Tensors one behind the other, on the host and on the device."""

    def __init__(self, cuda: Cuda, sizes: Mapping[str, int]) -> None:
        self._slots: dict[str, _Slot] = {}
        end = 0
        for name, size in sizes.items():
            self._slots[name] = _Slot(end, size)
            end += math.ceil(max(size, 1) / ALIGNMENT) * ALIGNMENT
        self.size = end
        self.device = cuda.allocate(end)
        self.host, self._bytes = cuda.allocate_pinned(end)

    def address(self, name: str) -> int:
        """Where a tensor lies on the device."""
        return self.device + self._slots[name].offset

    def capacity(self, name: str) -> int:
        """Bytes that a tensor may have."""
        return self._slots[name].size

    def view(self, name: str, dtype: str, shape: Sequence[int]) -> np.ndarray:
        """The host side of a tensor, as an array of a dtype and shape that fit into its place."""
        import numpy as np

        slot, size = self._slots[name], math.prod(shape) * np.dtype(dtype).itemsize
        assert size <= slot.size, f"{name}: {size} bytes in a place of {slot.size}"
        return self._bytes[slot.offset : slot.offset + size].view(dtype).reshape(shape)

    def span(self, used: Iterable[tuple[str, int]]) -> tuple[int, int]:
        """Offset and size of the smallest range that holds these tensors, each with its bytes."""
        ranges = [
            (self._slots[name].offset, self._slots[name].offset + size) for name, size in used
        ]
        start = min(first for first, _ in ranges)
        return start, max(last for _, last in ranges) - start


class Arena:
    """The two blocks of an engine."""

    def __init__(self, cuda: Cuda, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> None:
        self._cuda = cuda
        self.inputs = Block(cuda, inputs)
        self.outputs = Block(cuda, outputs)

    def fits(self, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> bool:
        """Whether tensors of these sizes have room."""
        return all(size <= self.inputs.capacity(name) for name, size in inputs.items()) and all(
            size <= self.outputs.capacity(name) for name, size in outputs.items()
        )

    def free(self) -> None:
        """Give the memory back; nothing on the stream may use it any more."""
        for block in (self.inputs, self.outputs):
            self._cuda.free(block.device)
            self._cuda.free(block.host)
