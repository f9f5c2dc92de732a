"""The architecture of the shipped model, from nothing: ``python -m training.run``.

Draft.
"""

from __future__ import annotations

from training.config.run import Leg, TrainConfig


def config() -> TrainConfig:
    """Five legs."""
    return TrainConfig(name="demo", legs=LEGS)


LEGS = (
    Leg(name="singles", phase="pretrain"),
    Leg(name="mgca", phase="mgca"),
)
