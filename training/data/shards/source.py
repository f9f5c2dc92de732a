"""Batches of pairs from shards, other ones in every process and worker."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from tqdm import tqdm
from webdataset.filters import shuffle

from runtime.errors import MgcaError, UserError
from training.data.batches import Batch, Collate, Pair, use_one_thread, worker_context
from training.data.config import DataConfig
from training.data.crops import Cropping
from training.data.pictures import read_picture
from training.data.portions import UNREADABLE, CollatePortion, Portion, unpack_portions
from training.data.seeds import mixed_generator
from training.data.shards.download import Download, read_download
from training.data.shards.find import check_shards, find_shards
from training.data.shards.pairs import EncodedPair, read_pairs
from training.data.shards.sharing import Reader, draw_order
from training.data.source import Span
from training.data.tally import Tally

# Encoded pairs that are kept to draw the next one from.
SHUFFLED = 1000


class ShardPairs(IterableDataset):
    """Pairs without an end, a batch at a time: epoch after epoch, each in an order of its own.

    Args:
        shards: their paths or addresses.
        batch: pairs in one batch.
        captions: captions drawn for a picture, at most.
        cropping: how images are cut out of pictures.
        seeds: of all that is drawn; mixed with the epoch, the rank and the worker.
        rank: number of this process among its peers, from 0.
        count: how many processes share the shards.
    """

    def __init__(
        self,
        shards: Sequence[str],
        batch: int,
        captions: int,
        cropping: Cropping,
        seeds: tuple[int, ...],
        rank: int,
        count: int,
    ) -> None:
        self.shards = shards
        self.batch = batch
        self.captions = captions
        self.cropping = cropping
        self.seeds = seeds
        self.rank = rank
        self.count = count

    def __iter__(self) -> Iterator[Portion]:
        """Batches of this worker; an error is handed over as what it is, in place of one."""
        tally, pairs = Tally(), []
        try:
            for pair in self._pairs(tally):
                pairs.append(pair)
                if len(pairs) == self.batch:
                    tally.pairs = len(pairs)
                    yield Portion(pairs, tally.taken())
                    pairs = []
        except MgcaError as error:
            yield Portion([], tally.taken(), error)

    def _pairs(self, tally: Tally) -> Iterator[Pair]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        reader = Reader(self.rank * workers + number, self.count * workers)
        tally.parts = reader.count
        empty = 0
        for epoch in itertools.count():
            rng = mixed_generator(*self.seeds, epoch, self.rank, number)
            found = False
            for pair in self._epoch(epoch, reader, rng, tally):
                found = True
                tally.epochs[epoch] += 1
                yield pair
            tally.ended[epoch] += 1
            empty = 0 if found else empty + 1
            if empty < reader.count:
                continue  # fewer usable pairs than readers: its turn comes in another epoch
            # None came: better some of another's than none, which are that other's in the count.
            for pair in self._epoch(epoch, Reader(), rng, tally):
                empty = 0
                yield pair
            if empty:
                raise UserError(
                    f"--train-data: not one usable pair in {len(self.shards)} shards, from "
                    f"'{self.shards[0]}' on; passed over: {tally.describe()}; expected pictures "
                    "that can be read, each with a caption of the same name"
                )

    def _epoch(
        self, epoch: int, reader: Reader, rng: np.random.Generator, tally: Tally
    ) -> Iterator[Pair]:
        """This reader's part of an epoch."""
        order = random.Random(int(rng.integers(2**63)))
        for pair in shuffle(SHUFFLED, rng=order)(self._encoded(epoch, reader, tally)):
            picture_hw3 = read_picture(pair.picture, pair.ending)
            if picture_hw3 is None:
                tally.pass_over(UNREADABLE, pair.name)
                continue
            image_hw3 = self.cropping(picture_hw3, rng)
            chosen = rng.permutation(len(pair.captions))[: self.captions]
            drawn = [pair.captions[index] for index in chosen]
            yield Pair(image_hw3, drawn, pair.captions, pair.name)

    def _encoded(self, epoch: int, reader: Reader, tally: Tally) -> Iterator[EncodedPair]:
        for place, shard in enumerate(draw_order(self.seeds, epoch, len(self.shards))):
            own = reader.classes(place, len(self.shards))
            if not own:
                continue
            # Of those who read the same shard, one counts what it is made of.
            counting = tally if 0 in own else Tally()
            for number, pair in enumerate(read_pairs(self.shards[shard], counting)):
                if reader.class_of(number, epoch) in own:
                    yield pair


def shard_batches(
    *,
    shards: str,
    steps: int,
    batch: int,
    cropping: Cropping,
    seed: int | tuple[int, ...],
    collate: Collate,
    workers: int,
    captions: int = 1,
    rank: int = 0,
    count: int = 1,
    tally: Tally | None = None,
) -> Iterator[Batch]:
    """``steps`` batches of shuffled pairs; shards repeat as often as needed.

    Args:
        shards: a pattern of :func:`find_shards`.
        steps: how many batches.
        batch: pairs in each.
        cropping: how images are cut out of pictures.
        seed: one, or several that are mixed.
        collate: stacks pairs, in the workers.
        workers: processes that read; 0: this one.
        captions: captions drawn for a picture, at most.
        rank: number of this process among its peers, from 0.
        count: how many processes share the shards.
        tally: where what was read and passed over is counted.

    Raises:
        UserError: a shard that is not there, is no tar file or has no pair; an epoch without a
            usable one.
    """
    seeds = (seed,) if isinstance(seed, int) else seed
    pairs = ShardPairs(find_shards(shards), batch, captions, cropping, seeds, rank, count)
    loader = DataLoader(
        pairs,
        batch_size=None,
        collate_fn=CollatePortion(collate),
        num_workers=workers,
        worker_init_fn=use_one_thread,
        multiprocessing_context=worker_context() if workers else None,
    )
    tally = Tally() if tally is None else tally
    yield from unpack_portions(itertools.islice(loader, steps), tally, rank)


class ShardSource:
    """Shards as a :class:`training.data.source.PairSource`.

    Args:
        data: shards, size and workers.
        seed: of the order in which pairs come, and of their crops.
        rank: number of this process among its peers, from 0.
        count: how many processes share the shards.

    Attributes:
        tally: what was read and passed over since :meth:`take_tally`.
        download: what the shards' own records say was lost before; None: nothing is known yet.
    """

    def __init__(self, data: DataConfig, seed: int, rank: int = 0, count: int = 1) -> None:
        self.data = data
        self.seed = seed
        self.rank = rank
        self.count = count
        self.tally = Tally()
        self.download: Download | None = None
        self._checked = False

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """Pairs in random order; each process and worker draws its own. A leg, and a run that goes
        on, has another order.
        """
        if self.data.shards is None:
            raise ValueError("data.shards is None; expected a pattern of shards")
        if not self._checked:
            self._check(find_shards(self.data.shards))
            self._checked = True
        if self.download and self.rank == 0:
            self.tally.lost = self.download.to_json()
        return shard_batches(
            shards=self.data.shards,
            steps=span.steps - span.start,
            batch=span.batch,
            cropping=self.data.cropping,
            seed=(self.seed, span.first_seed, span.start),
            collate=collate,
            workers=self.data.workers,
            captions=span.captions,
            rank=self.rank,
            count=self.count,
            tally=self.tally,
        )

    def _check(self, shards: Sequence[str]) -> None:
        check_shards(shards)
        self.download = read_download(shards)
        if self.download and self.rank == 0:
            tqdm.write(f"--train-data: {self.download.describe()}", file=sys.stderr)

    def known_captions(self) -> None:
        """They are not known beforehand."""

    def take_tally(self) -> Tally:
        """What was read and passed over since the last call."""
        return self.tally.taken()

    def check_mosaic(self, mosaic_hw: tuple[int, int], first_seed: int) -> None:
        """Pairs are independent: any of them make a mosaic."""
