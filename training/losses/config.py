"""Settings of what MGCA minimises, one dataclass: each loss's own, and what they share."""

from __future__ import annotations

from dataclasses import dataclass

from training.losses.negatives import NegativesConfig
from training.losses.noun_level import NounConfig
from training.losses.object import ObjectConfig
from training.losses.pixel import PixelConfig
from training.losses.region import RegionConfig


@dataclass(frozen=True, kw_only=True)
class LossConfig(ObjectConfig, RegionConfig, PixelConfig, NegativesConfig, NounConfig):
    """MGCA's losses; a weight of 0 switches a term off."""

    texts: str = "captions"
    """What the three grains align: whole ``captions``, or the ``nouns`` they name."""
    tile_mixing: tuple[tuple[int, int], tuple[int, int]] = ((1, 1), (2, 2))
    """Rows and columns of the tiles that change places over a batch; each step draws one of the two
    (training.data.tile_mixing). ((1, 1), (1, 1)): whole images.
    """
    noun_balance: float = 0.3
    """As for both phases; the tower can do with less by then."""
    logit_scale: float = 20.0
    """Inverse temperature of all three InfoNCE losses."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.texts not in ("captions", "nouns"):
            raise ValueError(f"losses.texts is '{self.texts}'; expected captions or nouns")
        NounConfig.__post_init__(self)

    @property
    def needs_nouns(self) -> bool:
        """Whether batches have to carry their nouns."""
        return self.noun_weight > 0 or self.texts == "nouns"
