"""What every source of image-text pairs can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from training.data.batches import Batch, Collate
from training.data.tally import Tally


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of batches, each of them fresh.

    Attributes:
        steps: how many batches a whole phase has.
        start: how many of them are done already; as many fewer are to come.
        batch: pairs a batch (and process).
        captions: captions drawn for an image, at most.
        first_seed: number of the phase's first pair, where pairs are numbered.
    """

    steps: int
    start: int
    batch: int
    captions: int
    first_seed: int


class PairSource(Protocol):
    """A source of image-text pairs."""

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """``span.steps - span.start`` batches for one process."""
        ...

    def take_tally(self) -> Tally:
        """What was read and passed over since the last call; empty where pairs are generated."""
        ...

    def check_mosaic(self, mosaic_hw: tuple[int, int], first_seed: int) -> None:
        """See that images from number ``first_seed`` on can be joined to mosaics of so many
        rows and columns.

        Raises:
            UserError: they cannot.
        """
        ...
