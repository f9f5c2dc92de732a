"""Batches of pictures and captions from a table.

Samples are numbered, and all of a sample follows from its number and the run's seed: its picture
(each once an epoch, in an order of the epoch's own), its crop and its captions. So a resumed run
sees what an unbroken one would have seen, whatever the number of workers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from runtime.errors import MgcaError, UserError
from training.data.batches import Batch, Collate, Pair, use_one_thread, worker_context
from training.data.captioned.table import MISSING, CaptionTable, read_table
from training.data.config import DataConfig
from training.data.crops import Cropping
from training.data.pictures import read_picture
from training.data.portions import UNREADABLE, CollatePortion, Portion, announce, unpack_portions
from training.data.seeds import mixed_generator
from training.data.source import Span
from training.data.tally import Tally


class CaptionedPairs(Dataset):
    """A phase's samples, a batch an item.

    Args:
        views: crops that are drawn of each picture (:func:`draw_view`); 0: another one each time.
        table: pictures and captions.
        cropping: how images are cut out of pictures.
        span: the phase; its batches are the items, from the first on.
        seed: of all that is drawn.
        rank: number of this process among its peers, from 0.
        count: how many processes share the samples.
    """

    def __init__(
        self,
        table: CaptionTable,
        cropping: Cropping,
        span: Span,
        seed: int,
        rank: int = 0,
        count: int = 1,
        views: int = 0,
    ) -> None:
        self.views = views
        self.table = table
        self.cropping = cropping
        self.span = span
        self.seed = seed
        self.rank = rank
        self.count = count
        self._order: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        """Number of batches."""
        return self.span.steps

    def __getitem__(self, step: int) -> Portion:
        """The batch of a step; an error is handed over as what it is, in place of one."""
        tally = Tally()
        views: list[int] = []
        first = self.span.first_seed + (step * self.count + self.rank) * self.span.batch
        try:
            pairs = [self._pair(first + index, tally, views) for index in range(self.span.batch)]
        except MgcaError as error:
            return Portion([], tally, error)
        tally.pairs = len(pairs)
        self._count_epochs(range(first, first + len(pairs)), tally)
        return Portion(pairs, tally, views=views if self.views else None)

    def _count_epochs(self, numbers: range, tally: Tally) -> None:
        """Each sample is a part of its epoch by itself."""
        tally.parts = len(self.table)
        for number in numbers:
            epoch = number // len(self.table)
            tally.epochs[epoch] += 1
            tally.ended[epoch] += 1

    def _pair(self, number: int, tally: Tally, views: list[int]) -> Pair:
        rng = mixed_generator(self.seed, number)
        picture, picture_hw3 = self._picture(number, tally)
        if self.views:
            view = int(rng.integers(self.views))
            views.append(picture * self.views + view)
            image_hw3 = draw_view(picture_hw3, self.cropping, self.seed, picture, view)
        else:
            image_hw3 = self.cropping(picture_hw3, rng)
        captions = self.table.captions[picture]
        chosen = rng.permutation(len(captions))[: self.span.captions]
        drawn = [captions[index] for index in chosen]
        return Pair(image_hw3, drawn, captions, self.table.images[picture])

    def _picture(self, number: int, tally: Tally) -> tuple[int, np.ndarray]:
        """Number and content of a sample's picture; where it cannot be read, of the epoch's next
        one that can.
        """
        pictures = len(self.table)
        epoch, place = divmod(number, pictures)
        for further in range(pictures):
            picture = int(self._order_of(epoch)[(place + further) % pictures])
            found = read_file(self.table.picture_path(picture))
            if found is not None:
                return picture, found
            tally.pass_over(UNREADABLE, self.table.images[picture])
        raise UserError(
            f"--train-data '{self.table.path}': not one of its {pictures} pictures can be read, "
            f"such as '{self.table.images[0]}'; expected JPEG, PNG, WebP, …"
        )

    def _order_of(self, epoch: int) -> np.ndarray:
        if self._order is None or self._order[0] != epoch:
            # A length of its own keeps these seeds apart from those of samples.
            rng = mixed_generator(self.seed, epoch, len(self.table))
            self._order = epoch, rng.permutation(len(self.table))
        return self._order[1]


class PictureViews(Dataset):
    """All views of a table's pictures, in order.

    Args:
        table: the pictures.
        cropping: how views are cut out of them.
        seed: of the views.
        views: of each picture.
    """

    def __init__(self, table: CaptionTable, cropping: Cropping, seed: int, views: int) -> None:
        self.table = table
        self.cropping = cropping
        self.seed = seed
        self.views = views

    def __len__(self) -> int:
        """Number of views."""
        return len(self.table) * self.views

    def __getitem__(self, number: int) -> np.ndarray:
        """A view, uint8 (h, w, 3); black where the picture cannot be read: it is never asked
        for.
        """
        picture, view = divmod(number, self.views)
        picture_hw3 = read_file(self.table.picture_path(picture))
        if picture_hw3 is None:
            width, height = self.cropping.size_wh
            return np.zeros((height, width, 3), np.uint8)
        return draw_view(picture_hw3, self.cropping, self.seed, picture, view)


def draw_view(
    picture_hw3: np.ndarray, cropping: Cropping, seed: int, picture: int, view: int
) -> np.ndarray:
    """The crop that is a picture's view of this number, always the same: uint8 (h, w, 3)."""
    return cropping(picture_hw3, mixed_generator(seed, picture, view, cropping.size_wh[0]))


def read_file(path: Path) -> np.ndarray | None:
    """A picture of a file as uint8 (h, w, 3) RGB; None: it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return read_picture(content, path.suffix)


def stack_images(images: list[np.ndarray]) -> Tensor:
    """uint8 (h, w, 3) each -> (b, h, w, 3)."""
    return torch.from_numpy(np.stack(images))


class CaptionsSource:
    """A table of captions as a :class:`training.data.source.PairSource`; it is read here.

    Args:
        data: table, split, crops, size and workers.
        seed: of the order in which pictures come, of their crops and captions.
        rank: number of this process among its peers, from 0.
        count: how many processes share the pictures.

    Attributes:
        table: pictures and captions.
        tally: what was read and passed over since :meth:`take_tally`.

    Raises:
        UserError: there is nothing in the table to train on.
    """

    def __init__(self, data: DataConfig, seed: int, rank: int = 0, count: int = 1) -> None:
        self.data = data
        self.seed = seed
        self.rank = rank
        self.count = count
        self.tally = Tally()
        if data.captions is None:
            raise ValueError("data.captions is None; expected a table of captions")
        self.table = read_table(Path(data.captions).expanduser(), data.split)
        missing = self.table.describe_missing()
        if missing and rank == 0:
            tqdm.write(f"warning: {missing}", file=sys.stderr)
        self.tally.known.add(MISSING)  # said now

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """Numbered samples, other ones in every process."""
        return self.viewed_batches(span, collate, 0)

    def viewed_batches(self, span: Span, collate: Collate, views: int) -> Iterator[Batch]:
        """The same, each image one of so many views of its picture; 0: a crop of its own."""
        pairs = CaptionedPairs(
            self.table, self.data.cropping, span, self.seed, self.rank, self.count, views
        )
        loader = self._load(
            pairs,
            batch_size=None,
            sampler=range(span.start, span.steps),
            collate_fn=CollatePortion(collate),
        )
        if self.rank == 0:
            announce(self.tally.add(self.table.tally), self.tally)
        yield from unpack_portions(loader, self.tally, self.rank)

    def view_images(self, views: int, first: int, batch: int) -> Iterator[Tensor]:
        """All views from number ``first`` on, in order, as uint8 (b, h, w, 3)."""
        images = PictureViews(self.table, self.data.cropping, self.seed, views)
        rest = range(first, len(images))
        rows = [rest[at : at + batch] for at in range(0, len(rest), batch)]
        yield from self._load(images, batch_sampler=rows, collate_fn=stack_images)

    def count_views(self, views: int) -> int:
        """So many for each picture."""
        return len(self.table) * views

    def identify_views(self) -> dict[str, Any]:
        """What views depend on, beside their number: the pictures' content, in order, and how they
        are cut.
        """
        content = hashlib.sha256()
        numbers = range(len(self.table))
        for number in tqdm(numbers, desc="reading pictures", delay=2, disable=None):
            with contextlib.suppress(OSError):
                picture = self.table.picture_path(number).read_bytes()
                content.update(hashlib.sha256(picture).digest())
        cropping = dataclasses.asdict(self.data.cropping)
        return {"pictures": content.hexdigest(), "cropping": cropping, "seed": self.seed}

    def _load(self, dataset: Dataset, **how: Any) -> DataLoader:
        workers = self.data.workers
        return DataLoader(
            dataset,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=use_one_thread,
            multiprocessing_context=worker_context() if workers else None,
            **how,
        )

    def known_captions(self) -> list[str]:
        """Those of the table."""
        return [caption for captions in self.table.captions for caption in captions]

    def take_tally(self) -> Tally:
        """What was read and passed over since the last call."""
        return self.tally.taken()

    def check_mosaic(self, mosaic_hw: tuple[int, int], first_seed: int) -> None:
        """Pairs are independent: any of them make a mosaic."""
