"""What a worker that reads stored pairs hands over: a batch, and what it passed over on the way."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from runtime.errors import MgcaError
from training.data.batches import Batch, Collate, Pair
from training.data.tally import Tally

UNREADABLE = "pictures that cannot be read"


@dataclass
class Portion:
    """A batch and what was passed over for it, or why there is none.

    Attributes:
        pairs: of the batch.
        tally: what was read and passed over for it.
        error: in place of the pairs.
        views: which view each image is (training.data.views), where a source numbers them.
    """

    pairs: list[Pair]
    tally: Tally
    error: MgcaError | None = None
    views: list[int] | None = None


class CollatePortion:
    """Stacks the pairs of a portion; picklable, so that workers can do it."""

    def __init__(self, collate: Collate) -> None:
        self.collate = collate

    def __call__(self, portion: Portion) -> tuple[Batch | None, Tally, MgcaError | None]:
        """The batch, if there is one, and the rest as it is."""
        ready = self.collate(portion.pairs) if portion.pairs else None
        if ready is not None and portion.views is not None:
            ready = dataclasses.replace(ready, view_b=torch.tensor(portion.views))
        return ready, portion.tally, portion.error


def unpack_portions(
    portions: Iterable[tuple[Batch, Tally, MgcaError | None]], tally: Tally, rank: int
) -> Iterator[Batch]:
    """The batches of collated portions; what was passed over is added to ``tally``.

    Args:
        portions: as :class:`CollatePortion` makes them.
        tally: where what was read and passed over is counted.
        rank: of this process; the first one says what is passed over for the first time.

    Raises:
        MgcaError: that a worker handed over.
    """
    for ready, part, error in portions:
        new = tally.add(part)
        if rank == 0:
            announce(new, tally)
        if error is not None:
            raise error
        yield ready


def announce(kinds: Sequence[str], tally: Tally) -> None:
    """Say of each kind that is passed over for the first time what it is."""
    for kind in kinds:
        tqdm.write(
            f"--train-data: passing over {kind}, such as {tally.examples[kind]}; all are counted "
            "at the end of the leg",
            file=sys.stderr,
        )
