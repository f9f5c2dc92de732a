"""COCO's compressed run-length code, byte for byte as pycocotools writes it, in numpy alone.

Runs are counted down the columns, zeros first; from the fourth run on the difference to the run
before the last is kept; each number is cut into 5-bit groups, low first, with a sign and a
continuation bit, and written as characters from ``0`` (48) on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Rle", "decode_rle", "encode_rle"]


class Rle(TypedDict):
    """COCO's form: ``size`` is [height, width], ``counts`` ASCII text (ready for JSON)."""

    size: list[int]
    counts: str


def encode_rle(mask_hw: np.ndarray) -> Rle:
    """Compressed RLE of a mask (H, W), bool or uint8; anything but 0 counts as inside.

    >>> import numpy as np
    >>> encode_rle(np.array([[0, 1], [0, 1]], dtype=bool))
    {'size': [2, 2], 'counts': '22'}
    """
    import numpy as np

    flat = np.ravel(mask_hw != 0, order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [flat.size]]) if flat.size else np.zeros(1, np.int64)
    runs = np.diff(edges)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    height, width = mask_hw.shape
    return {"size": [int(height), int(width)], "counts": _write_numbers(_differences(runs))}


def decode_rle(rle: Rle) -> np.ndarray:
    """The mask, bool (H, W), of a compressed RLE; raises ValueError if it does not fill its size.

    >>> decode_rle({"size": [2, 2], "counts": "22"}).astype(int).tolist()
    [[0, 1], [0, 1]]
    """
    import numpy as np

    height, width = rle["size"]
    numbers = _read_numbers(rle["counts"])
    runs: list[int] = []
    for index, number in enumerate(numbers):
        runs.append(number + runs[index - 2] if index > 2 else number)
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"RLE holds {sum(runs)} pixels, its size has {height * width}")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _differences(runs: np.ndarray) -> np.ndarray:
    numbers = runs.copy()
    numbers[3:] -= runs[1:-2]
    return numbers


def _write_numbers(numbers: np.ndarray) -> str:
    import numpy as np

    groups = []
    alive = np.ones(len(numbers), dtype=bool)
    rest = numbers.astype(np.int64)
    while alive.any():
        low = rest & 31
        rest = rest >> 5
        # A number ends when what is left is only its sign, and the sign bit of the group shows it.
        more = np.where(low & 16, rest != -1, rest != 0)
        groups.append(np.where(alive, (low | np.where(more, 32, 0)) + 48, 0))
        alive = alive & more
    if not groups:
        return ""
    letters = np.stack(groups, axis=1).ravel()
    return letters[letters > 0].astype(np.uint8).tobytes().decode("ascii")


def _read_numbers(counts: str) -> list[int]:
    numbers = []
    value = shift = 0
    for letter in counts.encode("ascii"):
        group = letter - 48
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            numbers.append(value - (1 << shift) if group & 16 else value)
            value = shift = 0
    return numbers
