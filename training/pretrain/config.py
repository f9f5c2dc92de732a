"""Settings of what pre-training minimises."""

from __future__ import annotations

from dataclasses import dataclass

from training.losses.noun_level import NounConfig


@dataclass(frozen=True, kw_only=True)
class ClipLossConfig(NounConfig):
    """CLIP's contrastive loss, how images are shown for it, and the noun level beside it."""

    patch_dropout: float = 0.5
    """Share of patches left out of each training image (Li et al. 2023): twice the images for the
    same arithmetic."""
    pooling: str = "match"
    """``mean`` (CLIP's own) or ``match`` (patches meet the caption; the fitting weigh more)."""
    match_sharpness: float = 8.0
    """Inverse temperature of the patches' weights with ``match``."""
    tile_mixing: tuple[tuple[int, int], tuple[int, int]] = ((3, 4), (2, 2))
    """Rows and columns of the tiles that change places over a batch; each step draws one of the two
    (training.data.tile_mixing). ((1, 1), (1, 1)): whole images.
    """
    caption_weight: float = 0.5
    """Weight of CLIP's own loss between images and whole captions."""
    teacher_mirrors: bool = False
    """Whether the teacher sees images mirrored: the pupil does not, and errs elsewhere."""
    mosaic: tuple[int, int] = (1, 1)
    """Rows and columns of the mosaic whose tiles a batch's images are, one after the other
    (training.pretrain.mosaic); the teacher then sees both. (1, 1): each image is by itself.
    """
    mosaic_share: float = 0.5
    """Share of the steps that show the pupil mosaics too, if images are tiles."""
    color_jitter: float = 0.0
    """How far the colors of what the pupil sees may be from those that the teacher and the settling
    of targets see (training.pretrain.color_jitter); 0: they are the same.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        NounConfig.__post_init__(self)
        if self.pooling not in ("mean", "match"):
            raise ValueError(f"pretrain.pooling is '{self.pooling}'; expected mean or match")
        if not 0 <= self.patch_dropout < 1:
            raise ValueError(f"patch_dropout is {self.patch_dropout}; expected 0 to below 1")
        if not 0 <= self.mosaic_share <= 1:
            raise ValueError(f"mosaic_share is {self.mosaic_share}; expected 0 to 1")
        if self.color_jitter < 0:
            raise ValueError(f"color_jitter is {self.color_jitter}; expected >= 0")
        rows, columns = self.mosaic
        if rows < 1 or columns < 1:
            raise ValueError(f"mosaic is {rows}x{columns}; expected at least 1x1")
