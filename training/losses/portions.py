"""A batch that is contrasted as one but computed in portions: by several processes, or one part
after the other.

What makes the losses of a portion depend on the others is small (a similarity of each image and
each text, the hardest pixels, a few regions) beside the pixels it is read off. So an objective
gives *pieces*: tensors whose rows are images, texts, or a single row to be averaged or added up.
The pieces of all portions one behind the other are those of the whole batch.

Shape legend: b images, j texts, l context length, u nouns, d width of the text side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from training.data.batches import Batch

Pieces = dict[str, Tensor]


class Peers(Protocol):
    """The processes that share a batch. Each of them has to ask for the same.

    Attributes:
        rank: number of this one, from 0.
    """

    rank: int

    def gather_rows(self, rows: Tensor) -> list[Tensor]:
        """The rows (m, ...) that each process has, in the order of their ranks; m may differ."""
        ...


class Alone:
    """No other process."""

    rank = 0

    def gather_rows(self, rows: Tensor) -> list[Tensor]:
        """One's own rows."""
        return [rows]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a portion's texts stand among all texts of the batch.

    Attributes:
        rows_j: int64 (j,), which of them are of this portion's images.
        texts: how many there are of all images.
    """

    rows_j: Tensor
    texts: int


@dataclass(frozen=True, kw_only=True)
class Portions:
    """How a batch is shared out.

    Attributes:
        counts: images of each portion, in order.
        first: the first of this process's portions.
    """

    counts: tuple[int, ...]
    first: int = 0

    @property
    def images(self) -> int:
        """Images of the whole batch."""
        return sum(self.counts)

    def span(self, own: int) -> tuple[int, int]:
        """First and last + 1 image, in the whole batch, of this process's portion ``own``."""
        number = self.first + own
        begin = sum(self.counts[:number])
        return begin, begin + self.counts[number]

    def place(self, owner_j: Tensor, own: int) -> Place:
        """Which texts are of the images of a portion of this process.

        Args:
            owner_j: int64 (j,), the image of each text, counted through the whole batch.
            own: the portion's number, in this process.
        """
        begin, end = self.span(own)
        mine_j = (owner_j >= begin) & (owner_j < end)
        return Place(rows_j=mine_j.nonzero().squeeze(1), texts=len(owner_j))

    def order(self, owner_j: Tensor) -> Tensor:
        """int64 (j,): where, among the rows of all portions' texts, each text of the batch is."""
        ends = torch.tensor(self.counts, device=owner_j.device).cumsum(0)
        portion_j = torch.bucketize(owner_j, ends, right=True)
        return portion_j.argsort(stable=True).argsort()


def share_out(parts: Sequence[Batch], peers: Peers) -> Portions:
    """The portions of all processes: each of them has ``parts``, as many as the others."""
    counts = [len(part.images_bhw3) for part in parts]
    mine = torch.tensor(counts, device=parts[0].images_bhw3.device)
    gathered = torch.cat(peers.gather_rows(mine)).tolist()
    return Portions(counts=tuple(gathered), first=peers.rank * len(parts))


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """A batch as several of nearly as many images each, in order; nouns stay those of all."""
    images = len(batch.images_bhw3)
    ends = [round(images * part / parts) for part in range(parts + 1)]
    return [_cut(batch, ends[part], ends[part + 1]) for part in range(parts)]


def _cut(batch: Batch, begin: int, end: int) -> Batch:
    mine_j = (batch.owner_j >= begin) & (batch.owner_j < end)
    return dataclasses.replace(
        batch,
        images_bhw3=batch.images_bhw3[begin:end],
        tokens_jl=batch.tokens_jl[mine_j],
        owner_j=batch.owner_j[mine_j] - begin,
        named_bu=None if batch.named_bu is None else batch.named_bu[begin:end],
        view_b=None if batch.view_b is None else batch.view_b[begin:end],
        features=cut_rows(batch.features, begin, end),
        keys=batch.keys[begin:end],
    )


def cut_rows(holder: Any, begin: int, end: int) -> Any:
    """A dataclass of tensors with some of their rows; None stays None."""
    if holder is None:
        return None
    values = {part.name: getattr(holder, part.name) for part in dataclasses.fields(holder)}
    cut = {name: value[begin:end] for name, value in values.items() if isinstance(value, Tensor)}
    return dataclasses.replace(holder, **cut)


def join_pieces(portions: Sequence[Pieces]) -> Pieces:
    """The pieces of all portions, one behind the other."""
    return {name: torch.cat([pieces[name] for pieces in portions]) for name in portions[0]}


def ratio(total: Tensor, count: Tensor | float) -> Tensor:
    """A piece (1, 2) that becomes a mean over the whole batch: a sum, and what it is divided by."""
    return torch.stack([total, torch.as_tensor(count, dtype=total.dtype, device=total.device)])[
        None
    ]


def mean_of(piece_p2: Tensor, smallest: float = 1e-6) -> Tensor:
    """The mean over the whole batch of :func:`ratio` pieces."""
    total, count = piece_p2.sum(0)
    return total / count.clamp_min(smallest)
