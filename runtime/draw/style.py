"""How a stream's masks are drawn: how opaque, and which class has which color."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from runtime.draw.palette import palette

if TYPE_CHECKING:
    import numpy as np

__all__ = ["DrawingStyle"]


@dataclass(frozen=True)
class DrawingStyle:
    """Opacity and colors; never changed, only replaced by another, from any thread.

    Attributes:
        opacity: how much of the picture the colors hide, in [0, 1].
        colors: RGB of classes by name, each level from 0 to 255; others have the palette's color of
            their label.
    """

    opacity: float = 0.55
    colors: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    def color_of(self, class_names: Sequence[str], label: int) -> tuple[int, int, int]:
        """The RGB color of a label."""
        blue, green, red = (int(level) for level in self.colors_bgr(class_names)[label])
        return red, green, blue

    def colors_bgr(self, class_names: Sequence[str]) -> np.ndarray:
        """Colors uint8 (255, 3) in BGR, read-only; row = label."""
        own = tuple(
            (label, self.colors[name])
            for label, name in enumerate(class_names)
            if name in self.colors
        )
        return _table(own) if own else palette(255)

    def with_colors(self, colors: Mapping[str, tuple[int, int, int]]) -> DrawingStyle:
        """The same with other RGB colors of some classes."""
        return replace(self, colors={**self.colors, **colors})

    def with_opacity(self, opacity: float) -> DrawingStyle:
        """The same with another opacity."""
        return replace(self, opacity=opacity)

    def keeping_colors(self, before: Sequence[str], after: Sequence[str]) -> DrawingStyle:
        """The style for another class list in which no class that stays changes its color.

        A class that comes takes the first color of the palette that is free.
        """
        kept = {
            name: self.color_of(before, label)
            for label, name in enumerate(before)
            if name in set(after)
        }
        kept |= {name: self.colors[name] for name in after if name in self.colors}
        taken = set(kept.values())
        spare = (rgb for rgb in _palette_rgb() if rgb not in taken)
        colors = {name: kept[name] if name in kept else next(spare) for name in after}
        return replace(self, colors=colors)


def _palette_rgb() -> list[tuple[int, int, int]]:
    return [(int(red), int(green), int(blue)) for blue, green, red in palette(255)]


@lru_cache(maxsize=64)
def _table(own: tuple[tuple[int, tuple[int, int, int]], ...]) -> np.ndarray:
    table = palette(255).copy()
    for label, rgb in own:
        table[label] = rgb[::-1]
    table.setflags(write=False)
    return table
