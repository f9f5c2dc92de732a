"""How long, how large and how fast one optimisation is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PhaseConfig:
    """One optimisation: AdamW under a cosine schedule with linear warm-up."""

    steps: int = 1000
    """Optimiser steps; 0 leaves the phase out."""
    batch: int = 128
    """Images a step (and process)."""
    accumulate: int = 1
    """In how many portions, one after the other, a process computes its batch: less memory, more
    time; the losses are those of the whole batch (training.engine.portions).
    """
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
        if self.accumulate < 1 or self.batch % self.accumulate:
            raise ValueError(
                f"accumulate is {self.accumulate}, batch {self.batch}; expected a divisor of the "
                "batch"
            )
