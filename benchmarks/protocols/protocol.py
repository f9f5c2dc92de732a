"""What a protocol fixes for a data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.scoring.pamr import TCL_DILATIONS


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """How a protocol refines scores by colors (PAMR, ten rounds), where that is asked for.

    Attributes:
        dilations: distances of the neighbors, in pixels.
        whole: at the labels' size, windows put together; else each window on the scores' grid.
        constant_background: in the place of the protocol's own; None: that stays.
    """

    dilations: tuple[int, ...]
    whole: bool
    constant_background: float | None = None


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The constants of one protocol on one data set.

    Attributes:
        name: ``tcl`` or ``sclip``.
        words: for each class of the set, in order, the words that stand for it; none for a
            background that is a constant.
        templates: filled in with every word.
        mean_first: whether a word's prompts are averaged before they are normalised to unit
            length (they are again after it), not only after.
        short_side: that pictures are resized to, in pixels, their aspect kept.
        long_side: that they do not go beyond.
        crop: side of the square windows.
        stride: between them.
        scale: of cosines before the softmax over all words.
        threshold: probability below which a pixel becomes class 0; None: none does.
        least_area: share of the pixels given to things that a class needs to be kept.
        constant_background: the value that a class 0 without words has everywhere, beside
            ``sigmoid((cosine - 0.25) * 10)`` of the words; None where it has words.
        position_resize: how position embeddings come to another grid, as ``python -m export
            --position-resize`` takes it.
        refinement: by colors.
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    templates: tuple[str, ...]
    mean_first: bool
    short_side: int
    long_side: int = 2048
    crop: int
    stride: int
    scale: float = 1.0
    threshold: float | None = None
    least_area: float | None = None
    constant_background: float | None = None
    position_resize: str = "size"
    refinement: Refinement = Refinement(dilations=TCL_DILATIONS, whole=False)

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Every word with the class it stands for; a word may stand for two."""
        return tuple((word, k) for k, words in enumerate(self.words) for word in words)

    @property
    def refined(self) -> Protocol:
        """The protocol as it decides on refined scores."""
        constant = self.refinement.constant_background
        if constant is None or self.constant_background is None:
            return self
        return replace(self, constant_background=constant)

    def to_record(self) -> dict[str, Any]:
        """Everything that it fixes as JSON-ready values."""
        return {
            "name": self.name,
            "short_side": self.short_side,
            "long_side": self.long_side,
            "crop": self.crop,
            "stride": self.stride,
            "templates": list(self.templates),
            "mean_first": self.mean_first,
            "words": [list(words) for words in self.words],
            "scale": self.scale,
            "threshold": self.threshold,
            "least_area": self.least_area,
            "constant_background": self.constant_background,
            "position_resize": self.position_resize,
            "refinement": asdict(self.refinement),
        }
