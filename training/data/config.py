"""Where a run's images and captions come from."""

from __future__ import annotations

from dataclasses import dataclass

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
        return "shards" if self.shards else "streetworld"

    def __post_init__(self) -> None:
        """Check ranges."""
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
