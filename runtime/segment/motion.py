"""Where each cell of the grid was in the frame before, and whether it is still the same thing.

The dense optical flow between the two pictures (DIS, Kroeger et al. 2016) says where a cell came
from. Whether that is true is read off the pictures: the cell's color beside the color of the
place that it is said to come from. A place that stood still is taken for one that did where that
explains the picture as well, so noise on a wall does not become movement. What nothing explains
has changed: something was uncovered, a light went on, or the scene was cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from runtime.segment.frames import PreparedFrame
from runtime.segment.scratch import Scratch

if TYPE_CHECKING:
    import cv2
    import numpy as np

#: Mean color of a cell and its neighbors, in grey levels: up to here it is the same thing ...
SAME_COLOR = 4.0
#: ... and from here on it is another; between them its past counts in part.
OTHER_COLOR = 40.0
#: Where the cells' pasts count for less than this on average, the scene was cut.
CUT_TRUST = 0.4
#: Flow is found on pictures of at most so many pixels, ...
FLOW_PIXELS = 1 << 15
#: ... down to half their size. OpenCV's preset, down to a quarter of a picture twice as long and
#: wide, finds the same on the same grid and takes longer. Patches of 8 pixels that overlap by 3 do
#: as well as by 4, and refining the flow from pixel to pixel brings nothing: cells are larger.
FINEST_SCALE = 1
REFINEMENTS = 0
PATCH_STRIDE = 5
#: Shortest side of a picture in which flow is looked for: a patch of the finest scale has to fit.
LEAST_SIDE = 8 << FINEST_SCALE

__all__ = ["Motion", "MotionTracker"]


@dataclass(frozen=True, eq=False)
class Motion:
    """From the frame before to this one, over the grid; good until the next frame.

    Attributes:
        came_from: column and line of the place in the frame before, float32 (h', w') each; None
            where nothing has moved. OpenCV 5's ``remap`` is exact with these, and faster than with
            the fixed-point maps of ``convertMaps``.
        trust: float32 (h', w') in [0, 1]: how far the past of that place stands for the cell.
    """

    came_from: tuple[np.ndarray, np.ndarray] | None
    trust: np.ndarray

    def carry(self, plane: np.ndarray, into: np.ndarray) -> np.ndarray:
        """Numbers of the frame before (h', w') where their things are now, interpolated.

        The plane itself where nothing has moved.
        """
        import cv2

        if self.came_from is None:
            return plane
        return cv2.remap(
            plane, *self.came_from, cv2.INTER_LINEAR, into, borderMode=cv2.BORDER_REPLICATE
        )

    def carry_nearest(self, plane: np.ndarray, into: np.ndarray) -> np.ndarray:
        """The same for what cannot be interpolated, always ``into``: float32, uint8 or uint16."""
        import cv2
        import numpy as np

        if self.came_from is None:
            np.copyto(into, plane)
            return into
        return cv2.remap(
            plane, *self.came_from, cv2.INTER_NEAREST, into, borderMode=cv2.BORDER_REPLICATE
        )


class MotionTracker:
    """Compares each prepared frame of one stream with the one before."""

    def __init__(self) -> None:
        self._memory = (Scratch(), Scratch())  # of this picture, and of the one before
        self._scratch = Scratch()
        self._before: _Look | None = None
        self._flow_finder: cv2.DISOpticalFlow | None = None

    def forget(self) -> None:
        """The next frame is a first one."""
        self._before = None

    def state(self) -> dict[str, np.ndarray]:
        """The picture before, as arrays of its own; :meth:`resume` takes it."""
        before = self._before
        return {} if before is None else {"grey": before.grey.copy(), "cells": before.cells.copy()}

    def resume(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        self._before = _Look(state["grey"].copy(), state["cells"].copy()) if state else None

    def follow(self, frame: PreparedFrame, grid_wh: tuple[int, int]) -> Motion | None:
        """How a frame (columns, rows of the grid) follows from the last one that was shown here.

        None where it does not: for a first one, and after a cut.
        """
        self._memory = self._memory[::-1]
        before = self._before
        now = self._before = _look_at(frame.tensor[0], grid_wh, self._memory[0])
        if before is None or before.cells.shape != now.cells.shape:
            return None
        motion = self._explain(before, now)
        return None if float(motion.trust.mean()) < CUT_TRUST else motion

    def _explain(self, before: _Look, now: _Look) -> Motion:
        import numpy as np

        scratch, shape = self._scratch, now.cells.shape[:2]
        error = scratch.array("error", shape, np.float32)
        _color_distance(before.cells, now.cells, error, scratch)
        came_from = None
        if float(error.max()) > SAME_COLOR and min(now.grey.shape) >= LEAST_SIDE:
            came_from = self._find_moved(before, now, error)
        trust = scratch.array("trust", shape, np.float32)
        np.subtract(OTHER_COLOR, error, out=trust)
        trust /= OTHER_COLOR - SAME_COLOR
        np.clip(trust, 0.0, 1.0, out=trust)
        return Motion(came_from, trust)

    def _find_moved(
        self, before: _Look, now: _Look, error: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Column and line each cell came from, float32 (h', w'); ``error`` becomes that of these.

        None where to have stood still explains every cell as well.
        """
        import cv2
        import numpy as np

        scratch, shape = self._scratch, error.shape
        across, down = self._flow(before, now, shape)
        moved_error = scratch.array("moved_error", shape, np.float32)
        there = scratch.array("there", now.cells.shape, np.uint8)
        replicate = {"borderMode": cv2.BORDER_REPLICATE}
        cv2.remap(before.cells, across, down, cv2.INTER_LINEAR, there, **replicate)
        _color_distance(there, now.cells, moved_error, scratch)
        # What came from outside the picture is explained by nothing.
        inside = scratch.array("inside", shape, np.uint8)
        inside.fill(0)
        outside = scratch.array("outside", shape, np.uint8)
        beyond = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": 255}
        cv2.remap(inside, across, down, cv2.INTER_NEAREST, outside, **beyond)
        np.maximum(moved_error, outside, out=moved_error)
        moving = scratch.array("moving", shape, bool)
        np.greater(error, moved_error, out=moving)
        if not moving.any():
            return None
        for place, stood in zip((across, down), _positions(shape), strict=True):
            place -= stood
            place *= moving
            place += stood
        np.minimum(error, moved_error, out=error)
        return across, down

    def _flow(
        self, before: _Look, now: _Look, shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the flow says each cell came from: column and line, float32 (h', w')."""
        import cv2
        import numpy as np

        if self._flow_finder is None:
            finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
            finder.setFinestScale(FINEST_SCALE)
            finder.setPatchStride(PATCH_STRIDE)
            finder.setVariationalRefinementIterations(REFINEMENTS)
            self._flow_finder = finder
        scratch, (height, width) = self._scratch, shape
        flow = scratch.array("flow", (*now.grey.shape, 2), np.float32)
        flow[...] = 0
        self._flow_finder.calc(now.grey, before.grey, flow)
        cells = flow
        if flow.shape[:2] != (height, width):
            cells = scratch.array("flow_of_cells", (height, width, 2), np.float32)
            cv2.resize(flow, (width, height), cells, interpolation=cv2.INTER_AREA)
        across = scratch.array("across", (height, width), np.float32)
        down = scratch.array("down", (height, width), np.float32)
        columns, lines = _positions(shape)
        np.multiply(cells[..., 0], width / now.grey.shape[1], out=across)
        np.multiply(cells[..., 1], height / now.grey.shape[0], out=down)
        across += columns
        down += lines
        return across, down


@dataclass(frozen=True, eq=False)
class _Look:
    """A frame: grey uint8 (h, w) for the flow, and the cells' mean colors uint8 (h', w', 3)."""

    grey: np.ndarray
    cells: np.ndarray


def _look_at(image_hw3: np.ndarray, grid_wh: tuple[int, int], memory: Scratch) -> _Look:
    import cv2
    import numpy as np

    height, width = image_hw3.shape[:2]
    cells = memory.array("cells", (grid_wh[1], grid_wh[0], 3), np.uint8)
    cv2.resize(image_hw3, grid_wh, cells, interpolation=cv2.INTER_AREA)
    grey = memory.array("grey", (height, width), np.uint8)
    cv2.cvtColor(image_hw3, cv2.COLOR_RGB2GRAY, grey)
    # A whole number of times: that resizes at a tenth of the cost.
    times = math.ceil((height * width / FLOW_PIXELS) ** 0.5)
    if times > 1:
        size_wh = (round(width / times), round(height / times))
        less = memory.array("less", size_wh[::-1], np.uint8)
        grey = cv2.resize(grey, size_wh, less, interpolation=cv2.INTER_AREA)
    return _Look(grey, cells)


def _color_distance(one: np.ndarray, other: np.ndarray, into: np.ndarray, scratch: Scratch) -> None:
    """The largest difference of a color, over 3 x 3 cells, in grey levels: float32 (h', w')."""
    import cv2
    import numpy as np

    apart = scratch.array("apart", one.shape, np.uint8)
    cv2.absdiff(one, other, apart)
    most = scratch.array("most", one.shape[:2], np.uint8)
    np.maximum(apart[..., 0], apart[..., 1], out=most)
    np.maximum(most, apart[..., 2], out=most)
    np.copyto(into, most)
    cv2.blur(into, (3, 3), into)


@lru_cache(maxsize=16)
def _positions(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Column (w',) and line (h', 1) of each cell: float32, only to be read."""
    import numpy as np

    columns = np.arange(shape[1], dtype=np.float32)
    lines = np.arange(shape[0], dtype=np.float32)[:, None]
    return columns, lines
