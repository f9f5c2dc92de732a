"""What a protocol fixes for a data set, and the setting of the runtime that it is."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from runtime.cli.config import SessionConfig, merge_config
from runtime.options import flag_of, options_of
from runtime.segment.decision import Probability
from runtime.text.classes import NONE_LABEL
from runtime.text.template_sets import template_set


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The constants of one protocol on one data set.

    Attributes:
        name: ``tcl`` or ``sclip``.
        words: for each class of the set, in order, the words that stand for it; none for a
            background that no words stand for.
        has_background: whether class 0 is what none of the other classes is.
        templates: name of the set (:mod:`runtime.text.template_sets`) that words are put into.
        short_side: that pictures are resized to, in pixels, their aspect kept.
        crop: side of the square windows.
        stride: between them.
        scale: of cosines before a softmax over all words; None where there is none.
        threshold: probability below which a pixel becomes class 0; None: none does.
        probability: which one, that of the softmax or each word's own by a logistic.
        least_area: share of the pixels given to things that a class needs to be kept.
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    has_background: bool = False
    templates: str
    short_side: int
    crop: int
    stride: int
    scale: float | None = None
    threshold: float | None = None
    probability: Probability = "softmax"
    least_area: float | None = None

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Every word with the class it stands for; a word may stand for two."""
        return tuple((word, k) for k, words in enumerate(self.words) for word in words)

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the protocol is to ``mgca-rt``: fields of its session config, by name.

        The windows' size is the bundle's, which has to be exported with ``--size CROPxCROP``. Words
        are taken as they are, and published work has no units.
        """
        behind = self.words[0] if self.has_background else ()
        things = self.words[1:] if self.has_background else self.words
        set_only = {
            "logit_scale": self.scale,
            "background_threshold": self.threshold,
            "least_area": self.least_area,
        }
        return {
            "short_side": self.short_side,
            "stride": self.stride,
            "classes": ",".join(map(_entry, things)),
            "background": ",".join(behind) or "none",
            "templates": self.templates,
            **{name: value for name, value in set_only.items() if value is not None},
            "background_probability": self.probability,
            "exact_words": True,
            "allow_unknown": True,
            "units": "pixel",
        }

    @property
    def config(self) -> SessionConfig:
        """The same as a session config."""
        return merge_config(SessionConfig(), self.values)

    @property
    def flags(self) -> list[str]:
        """The same as flags of ``mgca-rt``."""
        flags: list[str] = []
        options = {
            field.name: option
            for parts in self.config.parts().values()
            for part in parts
            for field, option in options_of(part)
        }
        for name, value in self.values.items():
            is_switch = options[name].holds is bool
            flags += [flag_of(name)] if is_switch else [flag_of(name), str(value)]
        return flags

    def classes_of(self, labels_hw: np.ndarray) -> np.ndarray:
        """Positions among the set's classes, uint8 (H, W), out of the runtime's labels."""
        if not self.has_background:
            return labels_hw
        table = np.arange(1, 257, dtype=np.uint16).astype(np.uint8)
        table[NONE_LABEL] = 0
        return table[labels_hw]

    def to_record(self) -> dict[str, Any]:
        """The constants as JSON-ready values."""
        return {
            "name": self.name,
            "short_side": self.short_side,
            "crop": self.crop,
            "stride": self.stride,
            "templates": self.templates,
            "prompts": len(template_set(self.templates).prompts),
            "words": len(self.rows),
            "scale": self.scale,
            "threshold": self.threshold,
            "probability": self.probability,
            "least_area": self.least_area,
            "setting": shlex.join(["mgca-rt", *self.flags]),
        }


def _entry(words: tuple[str, ...]) -> str:
    """A class as ``--classes`` takes it, called by its first word."""
    return words[0] if len(words) == 1 else f"{words[0]}={'|'.join(words)}"
