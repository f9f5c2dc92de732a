"""Everything that decides a training run, as frozen dataclasses: no other module reads a flag or a
default.

A configuration comes from a preset's name (training/recipes/presets.py) or a JSON file
(training/config/values.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.config.data import DataConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings


@dataclass(frozen=True, kw_only=True)
class PhaseConfig:
    """One optimisation: how long, how large, how fast."""

    steps: int = 1000
    """Optimiser steps; 0 leaves the phase out."""
    batch: int = 128
    """Images a step (and process)."""
    captions: int = 1
    """Captions drawn for an image, at most."""
    learning_rate: float = 1e-3
    """Peak of the cosine schedule."""
    warmup: int = 100
    """Steps of linear warm-up."""
    weight_decay: float = 0.05
    """AdamW's decay, on matrices only."""
    clip_norm: float = 1.0
    """Gradient norm at which gradients are scaled down."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.steps < 0 or self.batch < 2 or self.captions < 1:
            raise ValueError(
                f"steps {self.steps}, batch {self.batch}, captions {self.captions}: expected >= 0, "
                ">= 2, >= 1"
            )


@dataclass(frozen=True, kw_only=True)
class NounConfig:
    """The noun-level losses (training.losses.noun_level), which both phases have."""

    noun_weight: float = 1.0
    """Their weight; 0: none."""
    cover_weight: float = 1.0
    """Within it, of each patch's choice among the nouns."""
    presence_weight: float = 1.0
    """Within it, of each noun's being chosen somewhere."""
    noun_balance: float = 1.0
    """How far the nouns' areas are evened out. A tower that starts from nothing needs 1; later it
    claims too much for small things.
    """
    noun_smallest: float = 0.05
    """Share of an image that has to choose a noun it names. Large while nouns are to be found at
    all; small things spill over their edges until it is smaller than they are.
    """
    noun_omission: float = 0.0
    """How likely captions leave out what they could name."""
    noun_discount: float = 0.0
    """Share of a noun's level over the whole image that is taken off before patches choose among
    the nouns that are named (training.losses.noun_level).
    """
    color_sharpness: float = 0.0
    """How much alike patches have to look to share what they are taught
    (training.losses.affinity); 0: each is taught alone.
    """
    contrast_weight: float = 1.0
    """How much the colors' spread within a patch counts beside their mean, for that: what is
    thinner than a patch (poles, bicycles) is told from what is behind it by its contrast alone.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0 <= self.noun_omission <= 1:
            raise ValueError(f"noun_omission is {self.noun_omission}; expected 0 to 1")
        if not 0 <= self.noun_discount <= 1:
            raise ValueError(f"noun_discount is {self.noun_discount}; expected 0 to 1")


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(PhaseConfig, NounConfig):
    """CLIP's own contrastive pre-training, for configurations that start from nothing."""

    patch_dropout: float = 0.5
    """Share of patches left out of each training image (Li et al. 2023): twice the images for the
    same arithmetic."""
    pooling: str = "match"
    """``mean`` (CLIP's own) or ``match`` (patches meet the caption; the fitting weigh more)."""
    match_sharpness: float = 8.0
    """Inverse temperature of the patches' weights with ``match``."""
    tilings: tuple[tuple[int, int], tuple[int, int]] = ((3, 4), (2, 2))
    """Rows and columns of the tiles that change places over a batch; each step draws one of the two
    (training.data.tile_mixing). ((1, 1), (1, 1)): whole images.
    """
    caption_weight: float = 0.5
    """Weight of CLIP's own loss between images and whole captions."""
    unmasked_share: float = 0.15
    """Share of the steps, at the end, that see whole images: what inference will see."""
    teacher: str | None = None
    """A checkpoint whose tower says which of the named nouns a patch shows
    (training.pretrain.teacher), or ``average``: the running average of the tower that is trained;
    none: that tower itself.
    """
    teacher_mirrors: bool = False
    """Whether the teacher sees images mirrored: the pupil does not, and errs elsewhere."""
    frame_tiles: tuple[int, int] = (1, 1)
    """Rows and columns of the photograph whose tiles a batch's images are, one after the other
    (training.pretrain.mosaic); the teacher then sees both. (1, 1): each image is by itself.
    """
    frame_share: float = 0.5
    """How many of the steps show the pupil photographs too, if images are tiles."""
    relight: float = 0.0
    """How far the light of what the pupil sees may be from that of the scene, which the teacher and
    the settling of targets see (training.pretrain.color_jitter); 0: it is the same.
    """
    average_steps: int = 0
    """How many steps the running average of the weights reaches back (training.engine.ema);
    it is what pre-training ends with. 0: none is kept.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        PhaseConfig.__post_init__(self)
        NounConfig.__post_init__(self)
        if self.pooling not in ("mean", "match"):
            raise ValueError(f"pretrain.pooling is '{self.pooling}'; expected mean or match")
        if not 0 <= self.patch_dropout < 1:
            raise ValueError(f"patch_dropout is {self.patch_dropout}; expected 0 to below 1")
        if self.average_steps < 0:
            raise ValueError(f"average_steps is {self.average_steps}; expected >= 0")
        if not 0 <= self.frame_share <= 1:
            raise ValueError(f"frame_share is {self.frame_share}; expected 0 to 1")
        if self.relight < 0:
            raise ValueError(f"relight is {self.relight}; expected >= 0")
        rows, columns = self.frame_tiles
        if rows < 1 or columns < 1:
            raise ValueError(f"frame_tiles is {rows}x{columns}; expected at least 1x1")
        if self.batch % (rows * columns):
            raise ValueError(
                f"a batch of {self.batch} images does not fill photographs of {rows}x{columns} "
                f"tiles; expected a multiple of {rows * columns}"
            )


@dataclass(frozen=True, kw_only=True)
class LossConfig(NounConfig):
    """The three grains and their priors; a weight of 0 switches a term off and skips its work."""

    texts: str = "captions"
    """What the three grains align: whole ``captions``, or the ``nouns`` they name."""
    object_weight: float = 1.0
    """Object-level InfoNCE."""
    region_weight: float = 0.5
    """Region-level InfoNCE."""
    pixel_weight: float = 0.5
    """Pixel-level InfoNCE."""
    tilings: tuple[tuple[int, int], tuple[int, int]] = ((1, 1), (2, 2))
    """Rows and columns of the tiles that change places over a batch; each step draws one of the two
    (training.data.tile_mixing). ((1, 1), (1, 1)): whole images.
    """
    noun_balance: float = 0.3
    """As for both phases; the tower can do with less by then."""
    color_rounds: int = 3
    """Rounds in which pixels then take on what their look-alike neighbours are taught."""
    area_weight: float = 1.0
    """Area prior on the foreground masks."""
    smooth_weight: float = 0.1
    """Edge-aware total variation on the foreground masks."""
    logit_scale: float = 20.0
    """Inverse temperature of all three InfoNCE losses."""
    hard_strength: float = 0.3
    """How much the hardest captions and images weigh more; 0: all alike."""
    prior_weight: float = 0.0
    """Share of the captions' log frequency taken off the logits between captions; 0: none."""
    prior_sharpness: float = 60.0
    """Sharpness of the kernel that estimates that frequency."""
    same_cosine: float = 0.75
    """Captions at least this alike are not negatives of each other."""
    clip_margin: float | None = 0.05
    """Leave out pairs whose frozen-CLIP cosine comes this close to the caption's own; None: do not
    ask CLIP.
    """
    mask_threshold: float = 0.3
    """Similarity at which the foreground mask is one half at the start; from there it learns."""
    area_low: float = 0.02
    """Smallest mean mask area that costs nothing."""
    area_high: float = 0.6
    """Largest mean mask area that costs nothing."""
    edge_sharpness: float = 60.0
    """How quickly an image edge excuses a step of the mask."""
    seeds: int = 6
    """Region seeds a caption; as many are grown where S is lowest."""
    region_sharpness: float = 12.0
    """Slope of the affinity that grows regions."""
    region_cosine: float = 0.7
    """Cosine to the seed at which a pixel belongs to its region by half."""
    region_negatives: int = 48
    """Hard regions of other images a caption."""
    pixel_positives: int = 24
    """Pixels sampled from the top of S_ii a caption."""
    top_share: float = 0.06
    """Share of the image that positives are drawn from."""
    pixel_negatives: int = 48
    """Hard pixels of other images a caption, and pixels from the bottom of S_ii."""
    bottom_share: float = 0.3
    """Share of the image that inside negatives are drawn from."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.texts not in ("captions", "nouns"):
            raise ValueError(f"losses.texts is '{self.texts}'; expected captions or nouns")
        super().__post_init__()

    @property
    def needs_nouns(self) -> bool:
        """Whether batches have to carry their nouns."""
        return self.noun_weight > 0 or self.texts == "nouns"


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Periodic evaluation on held-out StreetWorld scenes."""

    every: int = 500
    """Steps between evaluations; 0: only at the end."""
    scenes: int = 96
    """Scenes an evaluation."""
    size_wh: tuple[int, int] = (128, 96)
    """Size the scenes are drawn, and fed, at."""
    first_seed: int = 0
    """First scene of the evaluation namespace."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A whole run."""

    name: str = "demo"
    """Folder below ``runs/``."""
    seed: int = 0
    """Seed of weights, sampling and captions."""
    threads: int = 0
    """Torch threads; 0: one a core."""
    precision: str = "bf16"
    """``bf16`` (autocast; fp32 where the device does not compute in it) or ``fp32``."""
    device: str = "auto"
    """``auto``, ``cpu`` or ``cuda``."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Encoder and decoder."""
    data: DataConfig = field(default_factory=DataConfig)
    """Image-text pairs."""
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    """CLIP from nothing; skipped when ``model.pretrained`` is set."""
    mgca: PhaseConfig = field(default_factory=PhaseConfig)
    """Training of the decoder."""
    losses: LossConfig = field(default_factory=LossConfig)
    """The objective of the decoder."""
    units: UnitSettings = field(default_factory=UnitSettings)
    """Prediction units at evaluation and in exports of this run."""
    evaluation: EvalConfig = field(default_factory=EvalConfig)
    """When and on what to measure mIoU."""
    export_size_wh: tuple[int, int] = (192, 144)
    """Input size an export of this run uses unless told otherwise."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.precision not in ("bf16", "fp32"):
            raise ValueError(f"precision is '{self.precision}'; expected bf16 or fp32")
        if not self.name or "/" in self.name:
            raise ValueError(f"name is '{self.name}'; expected a folder name")
