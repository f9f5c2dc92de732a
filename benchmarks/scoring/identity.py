"""Whether tracked objects keep their numbers, where it is known which thing each pixel shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.objects.tracker import TrackedObject

#: A thing is seen where this share of its outline is, and it covers this share of the picture.
LEAST_SEEN = 0.75
LEAST_AREA = 0.001
#: Things that are seen in fewer frames are not counted.
LEAST_FRAMES = 8

__all__ = ["LEAST_AREA", "LEAST_FRAMES", "LEAST_SEEN", "Identities"]


class Identities:
    """Counts over the frames of a clip.

    A thing counts in a frame in which :data:`LEAST_SEEN` of its outline is seen, on
    :data:`LEAST_AREA` of the picture, and at least one object is its own: half of the object's
    pixels are the thing's. (Where another of its class hides or swallows it, it has none.) Such a
    frame is right if one of its own objects has the number that the thing has most often.
    """

    def __init__(self) -> None:
        self._ids: dict[int, list[set[int]]] = defaultdict(list)

    def add(
        self,
        objects: Sequence[TrackedObject],
        labels_hw: NDArray[np.uint8],
        label_of: dict[str, int],
        actors_hw: NDArray[np.uint8],
        outlines: NDArray[np.int64],
    ) -> None:
        """Add a frame: the objects of ``labels_hw``, and the truth (see ``ActorFrame``)."""
        seen = np.bincount(actors_hw.ravel(), minlength=256)
        own: dict[int, set[int]] = defaultdict(set)
        for one in objects:
            counts = np.zeros(256, np.int64)
            for part in one.parts:
                left, top, width, height = part.box_xywh
                rows, columns = slice(top, top + height), slice(left, left + width)
                # Another region of the class may reach into the box; it is a small error.
                inside = labels_hw[rows, columns] == label_of[part.class_name]
                counts += np.bincount(actors_hw[rows, columns][inside], minlength=256)
            actor = int(counts[1:].argmax()) + 1
            if counts[actor] and 2 * counts[actor] >= counts.sum():
                own[actor].add(one.id)
        for actor, numbers in own.items():
            if seen[actor] >= max(LEAST_AREA * labels_hw.size, LEAST_SEEN * outlines[actor]):
                self._ids[actor].append(numbers)

    def describe(self) -> dict[str, Any]:
        """``frames`` that count, those that are ``right``, and how many ``things``."""
        things = [frames for frames in self._ids.values() if len(frames) >= LEAST_FRAMES]
        right = sum(
            Counter(number for numbers in frames for number in numbers).most_common(1)[0][1]
            for frames in things
        )
        return {"things": len(things), "frames": sum(map(len, things)), "right": right}
