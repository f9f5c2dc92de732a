"""What a frame is on its way to labels: the graph's input, then the scores that it gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runtime.segment.windows import Windows
from runtime.segment.word_scores import Scores
from runtime.text.queries import TextQueries

if TYPE_CHECKING:
    import numpy as np

# adaptive: the image's own units meet the text; pixel: every pixel by itself.
Units = Literal["adaptive", "pixel"]
# Both: one run of the graph that can be labelled either way.
WantedUnits = Literal["adaptive", "pixel", "both"]

# What of a frame meets the text: its pixels, by their units or each by itself, or the units.
Embedded = Literal["adaptive", "pixel", "unit"]

__all__ = [
    "Embedded", "FrameEmbeddings", "PreparedFrame", "RawScores", "Units", "WantedUnits",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class PreparedFrame:
    """A frame as the graph takes it.

    Attributes:
        tensor: uint8 (1, h, w, 3) RGB at the bundle's input size, or of the whole picture that
            windows are cut out of.
        size_wh: the frame's own (width, height).
        time_s: when it was taken, in seconds on the source's clock; None where nobody said.
        windows: how it is looked at; None: as a whole.
    """

    tensor: np.ndarray
    size_wh: tuple[int, int]
    time_s: float | None = None
    windows: Windows | None = None


@dataclass(frozen=True, eq=False)
class RawScores:
    """What the graph said of one frame, with the queries it was asked about.

    Scores are cosines; those of very many words are computed as they are looked at
    (:mod:`runtime.segment.word_scores`). What was not asked for is None. The arrays may be those
    of an earlier frame too, and are never written to.

    Attributes:
        queries: what the graph was asked about; row k of the scores is its word k.
        size_wh: the source frame's (width, height).
        class_scores: float32 (K, h', w') on the output grid, by adaptive units; of windows, as
            large as the picture.
        unit_of_pixel: int32 (h', w'), the adaptive unit of each grid pixel; None of windows, whose
            units are each one's own.
        pixel_scores: float32 (K, h', w'), each pixel by itself.
        time_s: when the frame was taken, in seconds on the source's clock, or None.
        spared: whether the graph was not run, and these are an earlier frame's scores.
    """

    queries: TextQueries
    size_wh: tuple[int, int]
    class_scores: Scores | None
    unit_of_pixel: np.ndarray | None
    pixel_scores: Scores | None
    time_s: float | None = None
    spared: bool = False

    def holds(self, units: WantedUnits) -> bool:
        """Whether the scores of these units are there."""
        adaptive = units == "pixel" or self.class_scores is not None
        pixel = units == "adaptive" or self.pixel_scores is not None
        return adaptive and pixel


@dataclass(frozen=True, eq=False)
class FrameEmbeddings:
    """What every word's score in a frame is a product with.

    Attributes:
        values: float32 (D, h', w') of pixels, or (U, D) of units, zeros in empty slots; about
            unit length.
        unit_of_pixel: int32 (h', w'), the unit of each pixel; None for pixels.
    """

    values: np.ndarray
    unit_of_pixel: np.ndarray | None = None
