"""What every source of image-text pairs can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

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


class ViewSource(Protocol):
    """A source whose images can be numbered: so many crops of each picture, always the same.

    View v of picture p is number ``p * views + v``.
    """

    def viewed_batches(self, span: Span, collate: Collate, views: int) -> Iterator[Batch]:
        """As :meth:`PairSource.batches`, each image one of the views; ``view_b`` says which."""
        ...

    def view_images(self, views: int, first: int, batch: int) -> Iterator[Tensor]:
        """All views from number ``first`` on, in order, as uint8 (b, h, w, 3)."""
        ...

    def count_views(self, views: int) -> int:
        """How many there are."""
        ...

    def identify_views(self) -> dict[str, Any]:
        """What they depend on, beside their number, as JSON types."""
        ...


class Batches(Protocol):
    """Gives batches of image-text pairs."""

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """``span.steps - span.start`` batches for one process."""
        ...


class PairSource(Batches, Protocol):
    """A source of image-text pairs."""

    def known_captions(self) -> list[str] | None:
        """All captions, where they are known before pairs are read."""
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
