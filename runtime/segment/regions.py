"""Connected regions of a label image, each with its box, its area and its mask as COCO RLE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.rle import Rle, encode_runs

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Region", "find_regions"]


@dataclass(frozen=True)
class Region:
    """Pixels of one label that touch each other, corners included.

    Attributes:
        label: their value.
        box_xywh: left, top, width and height in pixels.
        area: how many they are.
        rle: which they are, as pycocotools reads it.
    """

    label: int
    box_xywh: tuple[int, int, int, int]
    area: int
    rle: Rle


def find_regions(labels_hw: np.ndarray, count: int) -> Iterator[Region]:
    """The regions of a label image, uint8 (H, W), of all labels below ``count``; label by label."""
    import cv2
    import numpy as np

    for label in np.unique(labels_hw):
        if label >= count:
            continue
        mask = (labels_hw == label).astype(np.uint8)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        masks = encode_runs(*_split_runs(parts), labels_hw.shape)
        for (left, top, width, height, area), rle in zip(stats[1:].tolist(), masks, strict=True):
            yield Region(int(label), (left, top, width, height), area, rle)


def _split_runs(parts_hw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The runs of each part but 0, as ``encode_runs`` takes them: numbers, and how many a part has.

    In one pass over the picture, whatever the number of parts.
    """
    import numpy as np

    flat = parts_hw.ravel(order="F")
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.concatenate([starts[1:], [flat.size]])
    owners = flat[starts]
    order = np.argsort(owners, kind="stable")
    order = order[np.count_nonzero(owners == 0) :]
    owners, starts, ends = owners[order], starts[order], ends[order]
    first = np.concatenate([[True], owners[1:] != owners[:-1]])
    last = np.concatenate([first[1:], [True]])
    # Zeros and ones in turn, then the zeros behind the last ones, of which there may be none.
    gaps = starts - np.where(first, 0, np.concatenate([[0], ends[:-1]]))
    rests = np.where(last, flat.size - ends, 0)
    rows = np.stack([gaps, ends - starts, rests], axis=1)
    kept = np.stack([np.ones_like(last), np.ones_like(last), last & (rests > 0)], axis=1)
    counts = np.add.reduceat(kept.sum(axis=1), np.flatnonzero(first))
    return rows[kept], counts
