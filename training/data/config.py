"""Where a run's images and captions come from."""

from __future__ import annotations

from dataclasses import dataclass

from training.data.crops import Cropping
from training.data.streetworld import EXPOSURES, VARIANTS


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where images and captions come from."""

    size_wh: tuple[int, int] = (128, 96)
    """Size of the training images in pixels; multiples of the patch size."""
    shards: str | None = None
    """WebDataset shards (``'{000..331}.tar'``): pictures, and txt or json files of the same names
    with captions; None: StreetWorld, generated as needed.
    """
    captions: str | None = None
    """A table of captions (``captions.tsv``) beside a folder of pictures, in place of shards: its
    first line names the columns ``image`` and ``caption``, and ``split`` if there are several.
    """
    split: str | None = "train"
    """Which lines of that table; None: all. A table without splits is ``train``."""
    crop_scale: tuple[float, float] = (0.5, 1.0)
    """Smallest and largest share of a picture's area that a training image shows."""
    squashed: bool = False
    """Stored pictures were squashed to another shape, and their own is lost: one is drawn for them
    each time (training.data.crops).
    """
    nouns: str = "phrases"
    """How the nouns of captions are found: ``phrases``, by what they stand behind
    (training.data.nouns), or ``tagger``, by part of speech (training.data.tagged_nouns; needs
    HanTa).
    """
    kinds: bool = False
    """Whether who names a thing names its kind too: a man is a person (training.data.kinds)."""
    cache_features: int = 0
    """So many crops of each picture are drawn once and for all, and what the frozen encoder says of
    them is stored on disk, instead of being computed each time (training.data.features); 0: none.
    For MGCA's legs and ``captions``.
    """
    cache_dir: str | None = None
    """Where that is stored; None: in the cache (``$MGCA_CACHE``)."""
    workers: int = 1
    """Processes that make batches ready."""
    first_seed: int = 0
    """First StreetWorld scene; a run uses consecutive ones, and none twice unless ``passes`` says
    so.
    """
    variant: str = "singles"
    """What StreetWorld's scenes are like, one of :data:`training.data.streetworld.VARIANTS`."""
    exposure: str = "v1"
    """How StreetWorld's scenes with a sun are exposed: ``v1`` as the weather has it, ``v2`` for the
    sun (:data:`training.data.streetworld.EXPOSURES`).
    """
    passes: int = 1
    """How often a batch is used, on average (training.data.replay): more than once where a GPU is
    quicker than the processors that draw its scenes. What comes again then depends on where a run
    was resumed.
    """
    window: int = 256
    """Batches kept for their further passes, on the device that computes."""

    @property
    def source(self) -> str:
        """Name of the source of pairs (training.data.registry)."""
        if self.captions:
            return "captions"
        return "shards" if self.shards else "streetworld"

    @property
    def is_generated(self) -> bool:
        """Whether pairs are StreetWorld's."""
        return self.source == "streetworld"

    @property
    def cropping(self) -> Cropping:
        """How training images are cut out of stored pictures."""
        return Cropping(self.size_wh, self.crop_scale, self.squashed)

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.captions and self.shards:
            raise ValueError(
                f"data.captions is '{self.captions}' and data.shards '{self.shards}'; expected one "
                "of the two, e.g. --set data.shards=null"
            )
        self._check_views()
        if self.nouns not in ("phrases", "tagger"):
            raise ValueError(f"data.nouns is '{self.nouns}'; expected phrases or tagger")
        if not 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1:
            raise ValueError(
                f"data.crop_scale is {self.crop_scale}; expected (smallest, largest) share of a "
                "picture's area, above 0 and up to 1"
            )
        if self.passes < 1 or self.window < 1:
            raise ValueError(
                f"data.passes is {self.passes}, data.window {self.window}; expected 1 or more"
            )
        if self.first_seed < 0 or self.workers < 0:
            raise ValueError(
                f"data.first_seed is {self.first_seed}, data.workers {self.workers}; expected 0 or "
                "more"
            )
        if self.variant not in VARIANTS:
            raise ValueError(
                f"data.variant is '{self.variant}'; expected one of {', '.join(VARIANTS)}"
            )
        if self.exposure not in EXPOSURES:
            raise ValueError(
                f"data.exposure is '{self.exposure}'; expected one of {', '.join(EXPOSURES)}"
            )
        if min(self.size_wh) < 16:
            raise ValueError(
                f"data.size_wh is {self.size_wh}; expected (width, height) of at least 16 pixels"
            )

    def _check_views(self) -> None:
        if self.cache_features < 0:
            raise ValueError(f"data.cache_features is {self.cache_features}; expected 0 or more")
        if not self.cache_features:
            return
        if not self.captions:
            raise ValueError(
                "data.cache_features stores views of the pictures of data.captions, which is not "
                "set; expected e.g. --train-data photos/captions.tsv"
            )
        if self.passes > 1:
            raise ValueError(
                f"data.cache_features is {self.cache_features} and data.passes {self.passes}; "
                "expected one of the two: stored views come again by themselves"
            )
