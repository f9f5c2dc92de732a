"""Where a run's figures go, and which pictures go with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """What is written beside ``metrics.jsonl``."""

    tensorboard: bool = True
    """Whether figures and pictures go to ``runs/NAME/tensorboard`` too, where it is installed."""
    wandb: str | None = None
    """A project of Weights & Biases that they go to; None: none. ``WANDB_MODE=offline`` sends
    nothing.
    """
    pictures: int = 4
    """How many of the first training images each evaluation shows with the words' similarity maps;
    0: none.
    """
    words: tuple[str, ...] = ()
    """Those words; none given: the nouns that most of the pictures' captions name."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.pictures < 0:
            raise ValueError(f"log.pictures is {self.pictures}; expected 0 or more")
