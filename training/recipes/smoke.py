"""Every phase once, to see that an installation trains.

Command: ``python -m training.run --config smoke``
Hardware: two processor cores.
Time: within two minutes.
Score: none to speak of; the mIoU that it prints is that of a model which has hardly begun.
"""

from __future__ import annotations

from training.config.optimiser import PhaseConfig
from training.config.run import EvalConfig, PretrainConfig, TrainConfig
from training.model.mgca import ModelConfig
from training.model.units import UnitSettings


def config() -> TrainConfig:
    """A few steps of both phases."""
    return TrainConfig(
        name="smoke",
        model=ModelConfig(center_text=False),
        pretrain=PretrainConfig(steps=60, batch=64, learning_rate=1e-3, warmup=10),
        mgca=PhaseConfig(steps=30, batch=16, captions=2, learning_rate=1e-3, warmup=5),
        units=UnitSettings(space_width=32),
        evaluation=EvalConfig(every=30, scenes=16),
        checkpoint_every=30,
    )
