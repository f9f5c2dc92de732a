"""Which other files an ONNX file would read its weights from, found without any ONNX library.

ONNX may keep weights in files beside the graph ("external data"), named by a path inside it. Some
engines follow such a path out of the folder, so it is looked up before any engine sees the file.
Only the protobuf fields on the way to a tensor are walked; weights themselves are skipped.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from runtime.bundle.protobuf import fields, text_of

__all__ = ["external_files"]

# Field numbers of onnx.proto that lead from a message to tensors, by kind of message.
_PATHS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_DEEPEST = 64


def external_files(path: Path) -> set[str]:
    """Locations of external data named anywhere in an ONNX file, as they stand there.

    Raises ValueError for a file that is no ONNX file: an engine might still make sense of it, and
    then nobody would have looked.
    """
    with path.open("rb") as stream:
        if path.stat().st_size == 0:
            raise ValueError("empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return set(_locations(data, 0, len(data), "model", 0))
            except IndexError:
                raise ValueError("cut short") from None


def _locations(data: mmap.mmap, start: int, end: int, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    paths = _PATHS[kind]
    for field, value in fields(data, start, end):
        inner = paths.get(field)
        if inner is None or isinstance(value, int):
            continue
        if inner == "entry":
            parts = {number: text_of(data, text) for number, text in fields(data, *value)}
            if parts.get(1) == "location":
                yield parts.get(2, "")
        else:
            yield from _locations(data, *value, inner, depth + 1)
