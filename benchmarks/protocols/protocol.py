"""What a protocol fixes for a data set."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.protocols import setting


@dataclass(frozen=True)
class Refinement:
    """PAMR as a protocol has it, where refinement is asked for.

    Attributes:
        dilations: distances of the neighbors, in pixels.
        each_window: whether windows are refined one by one, as probabilities; otherwise cosines
            are, at the size of the labels.
        constant_background: in the place of the protocol's where that is set.
    """

    dilations: tuple[int, ...]
    each_window: bool
    constant_background: float | None = None


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The constants of one protocol on one data set.

    Attributes:
        name: ``tcl`` or ``sclip``.
        words: for each class of the set, in order, the words that stand for it; none for a
            background that is a constant.
        templates: name of the set (:mod:`runtime.text.template_sets`) that words are put into.
        short_side: that pictures are resized to, in pixels, their aspect kept.
        crop: side of the square windows.
        stride: between them.
        scale: of cosines before the softmax over all words; None where there is none.
        threshold: probability below which a pixel becomes class 0; None: none does.
        least_area: share of the pixels given to things that a class needs to be kept.
        constant_background: the value that a class 0 without words has everywhere, beside
            ``sigmoid((cosine - 0.25) * 10)`` of the words; None where it has words.
        refinement: how scores are refined by colors where that is asked for.
        position_resize: how position embeddings come to another grid, as ``python -m export
            --position-resize`` takes it.
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    templates: str
    short_side: int
    crop: int
    stride: int
    refinement: Refinement
    scale: float | None = None
    threshold: float | None = None
    least_area: float | None = None
    constant_background: float | None = None
    position_resize: str = "size"

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Every word with the class it stands for; a word may stand for two."""
        return tuple((word, k) for k, words in enumerate(self.words) for word in words)

    @property
    def has_background(self) -> bool:
        """Whether class 0 is what none of the other classes is."""
        return self.threshold is not None or self.constant_background is not None

    @property
    def refined(self) -> Protocol:
        """The same with the background that it has where scores are refined."""
        other = self.refinement.constant_background
        if self.constant_background is None or other is None:
            return self
        return replace(self, constant_background=other)

    def to_record(self) -> dict[str, Any]:
        """The constants as JSON-ready values, and the ``mgca-rt`` that they are."""
        return {
            "name": self.name,
            "short_side": self.short_side,
            "crop": self.crop,
            "stride": self.stride,
            "templates": self.templates,
            "words": [list(words) for words in self.words],
            "scale": self.scale,
            "threshold": self.threshold,
            "least_area": self.least_area,
            "constant_background": self.constant_background,
            "refinement": asdict(self.refinement),
            "setting": shlex.join(["mgca-rt", *setting.flags_of(self)]),
            "position_resize": self.position_resize,
        }
