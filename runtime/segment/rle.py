"""COCO's compressed run-length code, byte for byte as pycocotools writes it, in numpy alone.

Runs are counted down the columns, zeros first; from the fourth run on the difference to the run
before the last is kept; each number is cut into 5-bit groups, low first, with a sign and a
continuation bit, and written as characters from ``0`` (48) on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Rle", "decode_rle", "encode_rle", "encode_runs"]


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
    return encode_runs(runs, [len(runs)], mask_hw.shape)[0]


def encode_runs(
    runs: np.ndarray, counts: Sequence[int] | np.ndarray, size_hw: tuple[int, ...]
) -> list[Rle]:
    """Compressed RLE of several masks of one size at once.

    Args:
        runs: integers (n,): each mask's runs down the columns, zeros first, mask after mask.
        counts: how many of them belong to each mask; their sum is n.
        size_hw: height and width, which every mask's runs fill.
    """
    import numpy as np

    ends = np.cumsum(counts)
    place = np.arange(len(runs)) - np.repeat(ends - counts, counts)
    numbers = runs.astype(np.int64)
    late = np.flatnonzero(place > 2)
    numbers[late] -= runs[late - 2]
    text, letters = _write_numbers(numbers)
    borders = np.concatenate([[0], np.cumsum(letters)])[np.concatenate([[0], ends])].tolist()
    size = [int(size_hw[0]), int(size_hw[1])]
    return [{"size": size, "counts": text[a:b]} for a, b in pairwise(borders)]


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


def _write_numbers(numbers: np.ndarray) -> tuple[str, np.ndarray]:
    """All numbers as letters, and how many letters each of them took."""
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
        return "", np.zeros(0, np.int64)
    letters = np.stack(groups, axis=1)
    text = letters[letters > 0].astype(np.uint8).tobytes().decode("ascii")
    return text, np.count_nonzero(letters, axis=1)


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
