"""A whole training run as one frozen dataclass: no other module reads a flag or a default.

What a part of the run is told stands beside that part: data (training/data/config.py), the
optimiser (training/config/optimiser.py), each loss (training/losses/), the model and its units
(training/model/). A configuration comes from a recipe (training/recipes/) or a JSON file
(training/config/values.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from training.config.log import LogConfig
from training.config.optimiser import PhaseConfig
from training.data.config import DataConfig
from training.losses.config import LossConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings
from training.pretrain.config import ClipLossConfig

PHASES = ("pretrain", "mgca")
# The teacher that is the exponential moving average of the tower in training.
EMA_TEACHER = "ema"


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(PhaseConfig, ClipLossConfig):
    """CLIP's own contrastive pre-training, for configurations that start from nothing."""

    unmasked_share: float = 0.15
    """Share of the steps, at the end, that see whole images: what inference will see."""
    teacher: str | None = None
    """A checkpoint whose tower says which of the named nouns a patch shows
    (training.pretrain.teacher), or ``ema``: the moving average of the tower that is trained; None:
    that tower itself.
    """
    ema_steps: int = 0
    """How many steps the exponential moving average of the weights reaches back
    (training.engine.ema); it is what pre-training ends with. 0: none is kept.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        PhaseConfig.__post_init__(self)
        ClipLossConfig.__post_init__(self)
        if self.ema_steps < 0:
            raise ValueError(f"ema_steps is {self.ema_steps}; expected >= 0")
        if self.teacher == EMA_TEACHER and not self.ema_steps:
            raise ValueError(
                "pretrain.teacher is the moving average, pretrain.ema_steps is 0: none is kept; "
                "expected e.g. pretrain.ema_steps=300"
            )
        rows, columns = self.mosaic
        images, part = self.batch // self.accumulate, "part of a " if self.accumulate > 1 else ""
        if images % (rows * columns):
            raise ValueError(
                f"a {part}batch of {images} images does not fill mosaics of {rows}x{columns} "
                f"tiles; expected a multiple of {rows * columns}"
            )


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Periodic evaluation on held-out StreetWorld scenes."""

    every: int = 500
    """Steps between evaluations; 0: only at the end of a leg."""
    scenes: int = 96
    """Scenes an evaluation."""
    size_wh: tuple[int, int] = (128, 96)
    """Size in pixels that the scenes are drawn, and fed, at."""
    first_seed: int = 0
    """First scene of the evaluation namespace."""


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A stretch of a run: what is trained, and what is otherwise than in the leg before.

    The optimiser, the schedule and the moving average begin anew with each leg; scenes go on where
    the leg before stopped.
    """

    name: str
    """How logs and ``--set legs.NAME.KEY=VALUE`` call it."""
    phase: str
    """``pretrain`` (CLIP) or ``mgca`` (the decoder on the frozen CLIP)."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Values by dotted name, e.g. ``{"pretrain.steps": 500}``; they stay for the legs after it."""

    def __post_init__(self) -> None:
        """Check; changes are kept as JSON has them, so that a file gives the same leg."""
        if self.phase not in PHASES:
            raise ValueError(f"leg '{self.name}' has phase '{self.phase}'; expected pretrain, mgca")
        if not self.name or "." in self.name:
            raise ValueError(f"a leg's name is '{self.name}'; expected one without a dot")
        object.__setattr__(self, "changes", json.loads(json.dumps(self.changes)))


BOTH_PHASES = tuple(Leg(name=phase, phase=phase) for phase in PHASES)


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
    compile: bool = False
    """Compile the towers and the decoder (``torch.compile``): the first steps take minutes."""
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
    log: LogConfig = field(default_factory=LogConfig)
    """Where figures and pictures go."""
    export_size_wh: tuple[int, int] = (192, 144)
    """Input size in pixels that an export of this run uses unless told otherwise."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    legs: tuple[Leg, ...] = BOTH_PHASES
    """What is trained, in order; in a checkpoint: what is left, the leg at hand first."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.precision not in ("bf16", "fp32"):
            raise ValueError(f"precision is '{self.precision}'; expected bf16 or fp32")
        if not self.name or "/" in self.name:
            raise ValueError(f"name is '{self.name}'; expected a folder name")
        if self.data.cache_features and set(self.losses.tile_mixing) != {(1, 1)}:
            raise ValueError(
                "data.cache_features stores what is said of whole images, which "
                "losses.tile_mixing cuts; expected "
                "--set 'losses.tile_mixing=[[1,1],[1,1]]', or data.cache_features=0"
            )
        phases = [leg.phase for leg in self.legs]
        if not phases or phases != sorted(phases, key=PHASES.index):
            raise ValueError(
                f"legs have the phases {phases}; expected at least one leg, pretrain before mgca"
            )
        names = [leg.name for leg in self.legs]
        if len(set(names)) < len(names):
            raise ValueError(f"legs are called {names}; expected different names")
