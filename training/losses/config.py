"""Settings of what MGCA minimises, one dataclass: each loss's own, and what they share."""

from __future__ import annotations

from dataclasses import dataclass

from training.losses.class_level import ClassConfig
from training.losses.negatives import NegativesConfig
from training.losses.noun_level import NounConfig
from training.losses.object import MASKS, ObjectConfig
from training.losses.pixel import PixelConfig
from training.losses.region import RegionConfig


@dataclass(frozen=True, kw_only=True)
class LossConfig(ObjectConfig, RegionConfig, PixelConfig, NegativesConfig, NounConfig, ClassConfig):
    """MGCA's losses; a weight of 0 switches a term off."""

    texts: str = "captions"
    """What the three grains align: whole ``captions``, the ``nouns`` they name, or ``both``."""
    tile_mixing: tuple[tuple[int, int], tuple[int, int]] = ((1, 1), (2, 2))
    """Rows and columns of the tiles that change places over a batch; each step draws one of the two
    (training.data.tile_mixing). ((1, 1), (1, 1)): whole images.
    """
    on_patches: bool = False
    """Of a pair of towers: align patches of 16 x 16 pixels, at a sixteenth of the cost; the
    decoder's stages that follow edges are left alone.
    """
    noun_balance: float = 0.3
    """As for both phases; the tower can do with less by then."""
    logit_scale: float = 20.0
    """Inverse temperature of all three InfoNCE losses."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.texts not in ("captions", "nouns", "both"):
            raise ValueError(f"losses.texts is '{self.texts}'; expected captions, nouns or both")
        if self.object_mask not in MASKS:
            raise ValueError(
                f"losses.object_mask is '{self.object_mask}'; expected one of {', '.join(MASKS)}"
            )
        NounConfig.__post_init__(self)

    @property
    def needs_nouns(self) -> bool:
        """Whether batches have to carry their nouns."""
        return self.noun_weight > 0 or self.texts != "captions"
