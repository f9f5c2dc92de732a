"""How the pairs of all shards are shared out, so that every reader has others.

A reader is a worker of a process: with 2 processes of 3 workers there are 6. Of S shards and R
readers, the pairs of each shard are dealt into R classes by their number, and the S * R classes, in
the epoch's order, are cut into R equal parts. So one shard serves many readers, many shards are
each opened by one or two, and an epoch is a partition whatever the numbers. Which class is dealt
first moves on from epoch to epoch: of very few pairs every reader gets some in time.
"""

from __future__ import annotations

from dataclasses import dataclass

from training.data.seeds import mixed_generator


@dataclass(frozen=True)
class Reader:
    """One reader among its peers.

    Attributes:
        number: from 0.
        count: of all readers, at least 1.
    """

    number: int = 0
    count: int = 1

    def classes(self, place: int, shards: int) -> range:
        """Which classes of a shard are this reader's.

        Args:
            place: of the shard in the epoch's order, from 0.
            shards: how many there are.

        >>> [list(Reader(1, 2).classes(place, 3)) for place in (0, 1, 2)]
        [[], [1], [0, 1]]
        """
        first = self.number * shards - place * self.count
        return range(max(0, first), min(self.count, first + shards))

    def class_of(self, pair: int, epoch: int) -> int:
        """The class of a shard's pair of this number in an epoch, both from 0."""
        return (pair + epoch) % self.count


def draw_order(seeds: tuple[int, ...], epoch: int, shards: int) -> list[int]:
    """The epoch's order of the shards: the same for every reader."""
    return mixed_generator(*seeds, epoch).permutation(shards).tolist()
