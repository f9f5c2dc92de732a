"""A safetensors file's header, held against the file before the library maps its tensors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from runtime.bundle.bounded_json import read_json
from runtime.bundle.limits import AXES, VOCABULARY_BYTES, VOCABULARY_HEADER_BYTES

# What numpy reads without another package.
_ELEMENT_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4,
    "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip

__all__ = ["check_tensor_file"]


def check_tensor_file(path: Path) -> set[str]:
    """Names of the tensors; ValueError where the header is not true of the file."""
    size = path.stat().st_size
    if size > VOCABULARY_BYTES:
        raise ValueError(f"larger than {VOCABULARY_BYTES >> 30} GiB")
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, VOCABULARY_HEADER_BYTES):
            raise ValueError(f"its header says that it is {length} bytes long")
        header = read_json(stream.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata are no texts")
    for name, entry in header.items():
        _check_entry(name, entry, size - 8 - length)
    return set(header)


def _check_entry(name: str, entry: Any, room: int) -> None:
    """ValueError unless a tensor's type, shape and place fit each other and the file."""
    wrong = ValueError(f"tensor {name[:60]!r} is not where its header says")
    if not isinstance(entry, dict) or str(entry.get("dtype")) not in _ELEMENT_BYTES:
        raise wrong
    shape, place = entry.get("shape"), entry.get("data_offsets")
    for numbers in (shape, place):
        if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 for n in numbers):
            raise wrong
    assert isinstance(shape, list) and isinstance(place, list)
    if len(shape) > AXES or len(place) != 2 or not place[0] <= place[1] <= room:
        raise wrong
    if math.prod(shape) * _ELEMENT_BYTES[entry["dtype"]] != place[1] - place[0]:
        raise wrong
