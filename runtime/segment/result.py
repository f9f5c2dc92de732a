"""What a segmented frame is: labels, and what can be read off them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.segment.labelling import NONE_LABEL, count_labels, probabilities
from runtime.segment.rle import Rle, encode_rle
from runtime.segment.word_scores import Scores, bands

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NONE_LABEL", "Result"]


@dataclass(frozen=True, eq=False)
class Result:
    """One segmented frame.

    Attributes:
        labels: uint8 (H, W) at source size: index into ``class_names``, 255 = none of them.
        class_names: the classes in label order.
        units: int32 (h', w') on the output grid: the adaptive unit of each grid pixel; None for
            ``units="pixel"``.
        latency_ms: milliseconds by stage: preprocess, infer, postprocess, total.
        grid_scores: float32 (K, h', w'): cosines of each word, background words last; of very many
            words a :class:`~runtime.segment.word_scores.StreamedScores`, which ``np.asarray``
            computes.
        label_of_row: uint8 (K,): the label that each word stands for.
        words: the K words.
        logit_scale: what cosines are multiplied by before a softmax makes them probabilities.
        spared: whether nothing had changed, and the scores are those of an earlier frame.
    """

    labels: np.ndarray
    class_names: tuple[str, ...]
    units: np.ndarray | None
    latency_ms: dict[str, float]
    grid_scores: Scores
    label_of_row: np.ndarray
    words: tuple[str, ...]
    logit_scale: float
    spared: bool = False

    @cached_property
    def areas(self) -> dict[str, float]:
        """Share of all pixels that each class covers, in [0, 1]; the rest is none of them."""
        counts = count_labels(self.labels)
        total = max(self.labels.size, 1)
        return {name: float(counts[index] / total) for index, name in enumerate(self.class_names)}

    @cached_property
    def scores(self) -> dict[str, float]:
        """How sure the model is of each class where it sees it, in [0, 1].

        The mean, over the grid pixels that the class wins, of its probability (softmax over all
        words, background included); 0.0 for a class that wins none.
        """
        import numpy as np

        sums, counts = np.zeros(256), np.zeros(256)
        for first, last in bands(self.grid_scores.shape):
            scores = self.grid_scores[:, first:last]
            winner = scores.argmax(axis=0)
            label = self.label_of_row[winner].ravel()
            chances = probabilities(scores, self.logit_scale)
            chance = np.take_along_axis(chances, winner[None], axis=0).ravel()
            sums += np.bincount(label, weights=chance, minlength=256)
            counts += np.bincount(label, minlength=256)
        means = sums / np.maximum(counts, 1)
        return {name: float(means[index]) for index, name in enumerate(self.class_names)}

    def mask(self, name: str) -> np.ndarray:
        """Where a class is: bool (H, W). :class:`UserError` if the name is not a class."""
        if name not in self.class_names:
            raise UserError(
                f"{name!r} is not one of the classes; expected one of {', '.join(self.class_names)}"
            )
        return self.labels == self.class_names.index(name)

    def rle(self, name: str) -> Rle:
        """A class's mask as COCO compressed RLE, as pycocotools reads it."""
        return encode_rle(self.mask(name))

    def draw(
        self,
        frame_bgr: np.ndarray,
        opacity: float = 0.55,
        legend: bool = True,
        colors_bgr: np.ndarray | None = None,
    ) -> np.ndarray:
        """A new BGR uint8 (H, W, 3) frame with the classes' colors and a legend over it.

        ``frame_bgr`` is the frame that was segmented (:class:`UserError` on another size);
        ``opacity`` in [0, 1] is how much of it the colors hide; ``colors_bgr`` uint8 (255, 3) are
        those of the labels, by default the palette. Pixels with label 255 stay.
        """
        from runtime.draw.legend import draw_legend
        from runtime.draw.overlay import draw_labels

        if frame_bgr.shape != (*self.labels.shape, 3):
            raise UserError(
                f"the frame to draw on has shape {frame_bgr.shape}, expected "
                f"{(*self.labels.shape, 3)}; give the frame that was segmented"
            )
        drawn = draw_labels(frame_bgr, self.labels, opacity, colors_bgr)
        if legend:
            draw_legend(drawn, self.class_names, self.areas, colors_bgr)
        return drawn

    def to_labels_png(self) -> bytes:
        """The labels as an 8-bit single-channel greyscale PNG, value = label, 255 = none."""
        import cv2

        # Flat areas compress well at the quickest setting already.
        done, data = cv2.imencode(".png", self.labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            raise UserError("the labels could not be written as PNG; expected at least one pixel")
        return data.tobytes()
