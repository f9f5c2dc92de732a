"""The still gate: a stream's frames are spared the graph for as long as nothing has changed.

A prepared frame is looked at in blocks of :data:`BLOCK` pixels a side, small enough for somebody
far away to fill a few of them. A block has changed where its mean color is further from that of
the last frame that was *run* than noise explains; so a slow pan, a dusk or a door that opens by
degrees adds up until it is seen. One changed block is enough to run the frame; but while no more
than :data:`SMALL_CHANGE` of the blocks change, a run every :data:`SMALL_CHANGE_S` follows them.

How far noise reaches is read off the stream: the typical difference of two frames in a row, the
least of the last :data:`NOISE_FRAMES`, so that movement is not taken for noise; and at most
:data:`MOST_NOISE`, so that a stream in which everything always moves is never taken for a noisy
one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.segment.frames import PreparedFrame

if TYPE_CHECKING:
    import numpy as np

#: Side of a block, in pixels of the prepared frame.
BLOCK = 4
#: A mean color, in grey levels, that differs less has not changed, however little noise there is.
LEAST_CHANGE = 4.0
#: So many times the noise is a change.
NOISE_SIGMAS = 7.0
#: The most that is taken for noise of a block's mean, a standard deviation in grey levels.
MOST_NOISE = 1.5
NOISE_FRAMES = 30
#: Scores are never older than that; the frames count where nobody said when frames were taken.
LONGEST_S = 1.0
LONGEST_FRAMES = 30
#: Where no more than this share of the blocks has changed, scores may be so many seconds old.
SMALL_CHANGE = 0.02
SMALL_CHANGE_S = 0.1
# A normal distribution's standard deviation beside the median of its absolute values.
_SIGMA_OF_MEDIAN = 1.4826

__all__ = ["StillGate"]


class StillGate:
    """A motion gate (:class:`~runtime.segment.seams.MotionGate`) for one stream.

    >>> from runtime import Model, Segmenter                            # doctest: +SKIP
    >>> segmenter = Segmenter(Model.load(), motion_gate=StillGate())    # doctest: +SKIP

    Args:
        longest_s: seconds that scores may stand for, in the frames' own time.
        longest_frames: frames they may stand for where frames have no time.
        wanted: asked at each frame; where it says no, the frame is run.
    """

    def __init__(
        self,
        longest_s: float = LONGEST_S,
        longest_frames: int = LONGEST_FRAMES,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self.longest_s = longest_s
        self.longest_frames = longest_frames
        self.wanted = wanted
        self._spared = 0
        self._run: _Look | None = None
        self._last: _Look | None = None
        self._noise: deque[float] = deque(maxlen=NOISE_FRAMES)

    def spares(self, frame: PreparedFrame) -> bool:
        """Whether the scores of the last frame that was run stand for this one too."""
        if not self.wanted():
            return False
        look = self._look_at(frame)
        if self._run is None or self._is_stale(look) or look.size_wh != self._run.size_wh:
            return False
        if not self._may_wait(look):
            return False
        self._spared += 1
        return True

    def ran(self, frame: PreparedFrame) -> None:
        """The next frames are compared with this one."""
        if not self.wanted():
            return
        self._run = self._look_at(frame)
        self._spared = 0

    def _look_at(self, frame: PreparedFrame) -> _Look:
        """A frame's blocks, made once for each frame; what it tells of the noise is noted."""
        import numpy as np

        last = self._last
        if last is not None and last.frame is frame:
            return last
        look = self._last = _Look(frame, frame.size_wh, frame.time_s, _mean_colors(frame.tensor[0]))
        if last is not None and last.blocks.shape == look.blocks.shape:
            self._noise.append(_SIGMA_OF_MEDIAN * float(np.median(look.differences(last))))
        return look

    def _is_stale(self, look: _Look) -> bool:
        assert self._run is not None
        if look.time_s is None or self._run.time_s is None:
            return self._spared >= self.longest_frames
        # A clock that goes back belongs to a source that was opened again.
        return not 0.0 <= look.time_s - self._run.time_s < self.longest_s

    def _may_wait(self, look: _Look) -> bool:
        """Whether nothing has changed, or little and only just."""
        assert self._run is not None
        changed = (look.differences(self._run) > self._least_change()).any(axis=2)
        if not changed.any():
            return True
        if look.time_s is None or self._run.time_s is None:
            return False
        age_s = look.time_s - self._run.time_s
        return age_s < SMALL_CHANGE_S and float(changed.mean()) <= SMALL_CHANGE

    def _least_change(self) -> float:
        noise = min(self._noise, default=0.0)
        return max(LEAST_CHANGE, NOISE_SIGMAS * min(noise, MOST_NOISE))


@dataclass(frozen=True, eq=False)
class _Look:
    """A frame as the gate sees it; ``blocks`` float32 (h, w, 3): mean color of each block."""

    frame: PreparedFrame
    size_wh: tuple[int, int]
    time_s: float | None
    blocks: np.ndarray

    def differences(self, other: _Look) -> np.ndarray:
        """Of each block and color, absolute, in grey levels: float32 (h, w, 3)."""
        import cv2

        return cv2.absdiff(self.blocks, other.blocks)


def _mean_colors(image_hw3: np.ndarray) -> np.ndarray:
    import cv2
    import numpy as np

    height, width = image_hw3.shape[:2]
    size_wh = (-(-width // BLOCK), -(-height // BLOCK))
    # In float: rounding to whole levels would be half of all the noise that a block has left.
    return cv2.resize(image_hw3.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
