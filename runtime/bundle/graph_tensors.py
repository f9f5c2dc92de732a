"""A tensor stored in a graph: what it says of itself, held against the bytes that are there."""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.bundle.limits import AXES
from runtime.bundle.operators import ELEMENT_BYTES
from runtime.bundle.protobuf import Span, fields, integers, number_of, span_of, text_of

# Shapes and the like: the numbers of so short a tensor are looked at.
_MOST_VALUES = 64
_CODES = {1: (4, "f"), 6: (4, "i"), 7: (8, "q")}
_WHOLE = (2, 3, 4, 5, 6, 7, 12, 13)
# Fields of values by their type: float and double of fixed bytes, the others varints.
_FIXED_BYTES = {4: 4, 10: 8}
_VARINTS = (5, 7, 11)

__all__ = ["StoredTensor", "check_tensor", "read_tensor"]


@dataclass
class StoredTensor:
    """A tensor's fields.

    Attributes:
        name: its name, empty in an attribute.
        kind: ONNX's number of its type.
        sides: its shape, as it stands there.
        raw: where its bytes lie, if they lie in one piece.
        typed: how many values its typed fields hold.
        external: what it says of a file of weights, by key.
        values: the numbers of a short tensor, as far as shapes are written in their type.
    """

    name: str = ""
    kind: int = 0
    sides: list[int] = field(default_factory=list)
    raw: Span | None = None
    typed: int = 0
    external: dict[str, str] = field(default_factory=dict)
    values: tuple[float, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole ones."""
        return self.kind in _WHOLE


def read_tensor(data: mmap.mmap, span: Span) -> StoredTensor:
    """The fields of a tensor message; ValueError for kinds of data that no export writes."""
    tensor = StoredTensor()
    numbers: list[int] = []
    for number, value in fields(data, *span):
        if number == 1:
            tensor.sides.extend(integers(data, value))
        elif number == 2:
            tensor.kind = number_of(value)
        elif number == 8:
            tensor.name = text_of(data, value)
        elif number == 9:
            tensor.raw = span_of(value)
        elif number == 13:
            entry = {at: text_of(data, text) for at, text in fields(data, *span_of(value))}
            tensor.external[entry.get(1, "")] = entry.get(2, "")
        elif number in (3, 6):
            raise ValueError("it holds a tensor of texts or in segments")
        elif number in _FIXED_BYTES or number in _VARINTS:
            tensor.typed += _count(data, number, value)
            if number in (5, 7) and tensor.typed <= _MOST_VALUES:
                numbers.extend(integers(data, value))
    tensor.values = _values(data, tensor, numbers)
    return tensor


def check_tensor(tensor: StoredTensor, size_of: Callable[[str], int | None]) -> None:
    """Raise ValueError unless the data is what type and shape say.

    ``size_of`` gives the bytes of a file of weights by its location, None if there is none.
    """
    name = repr(tensor.name[:60])
    if len(tensor.sides) > AXES or not all(0 <= side for side in tensor.sides):
        raise ValueError(f"tensor {name} has the shape {tensor.sides[:9]}")
    if tensor.kind not in ELEMENT_BYTES:
        raise ValueError(f"tensor {name} is of type {tensor.kind}")
    count = math.prod(tensor.sides)
    size = count * ELEMENT_BYTES[tensor.kind]
    if tensor.external:
        _check_external(tensor, size, size_of(tensor.external.get("location", "")))
    elif tensor.raw is None:
        if tensor.typed != count:
            raise ValueError(f"tensor {name} does not hold the {count} values of its shape")
    elif tensor.raw[1] - tensor.raw[0] != size or tensor.typed:
        raise ValueError(f"tensor {name} does not hold the {size} bytes of its shape")


def _check_external(tensor: StoredTensor, size: int, there: int | None) -> None:
    entry = tensor.external
    offset, length = entry.get("offset", "0"), entry.get("length", str(size))
    if not all(
        len(text) <= 15 and text.isascii() and text.isdecimal() for text in (offset, length)
    ):
        raise ValueError(
            f"weights {tensor.name[:60]!r} lie at {offset[:20]!r}, {length[:20]!r} long"
        )
    if tensor.raw is not None or tensor.typed:
        raise ValueError(f"weights {tensor.name[:60]!r} lie in two places")
    if int(length) != size or (there is not None and int(offset) + size > there):
        raise ValueError(f"weights {tensor.name[:60]!r} do not lie within their file")


def _values(data: mmap.mmap, tensor: StoredTensor, numbers: list[int]) -> tuple[float, ...] | None:
    if tensor.kind not in _CODES:
        return None
    if tensor.raw is None:
        return tuple(numbers) if 0 < tensor.typed == len(numbers) else None
    start, end = tensor.raw
    width, code = _CODES[tensor.kind]
    if end - start > width * _MOST_VALUES or (end - start) % width:
        return None
    return struct.unpack(f"<{(end - start) // width}{code}", data[start:end])


def _count(data: mmap.mmap, number: int, value: int | Span) -> int:
    """Values in a typed field."""
    if isinstance(value, int):
        return 1
    start, end = value
    if number in _FIXED_BYTES:
        return (end - start) // _FIXED_BYTES[number]
    return sum(byte < 128 for byte in data[start:end])
