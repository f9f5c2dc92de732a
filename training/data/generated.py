"""Image-text pairs from StreetWorld, generated as they are needed and never stored."""

from __future__ import annotations

from collections.abc import Iterator

from torch.utils.data import DataLoader, Dataset

from runtime.errors import UserError
from training.data.batches import (
    Batch,
    Collate,
    Pair,
    choose_captions,
    use_one_thread,
    worker_context,
)
from training.data.config import DataConfig
from training.data.source import Span
from training.data.streetworld import TILES_HW, VARIANTS, generate_pair
from training.data.tally import Tally


class StreetWorldPairs(Dataset):
    """Scenes of the training stream, each with the captions drawn for it.

    Args:
        first_seed: number of the first scene.
        length: how many there are.
        size_wh: width and height of their images in pixels.
        captions: captions drawn for each, at most.
        seed: of that draw.
        variant: what the scenes are like, see :data:`training.data.streetworld.VARIANTS`.
        exposure: how suns are exposed, see :data:`training.data.streetworld.EXPOSURES`.
    """

    def __init__(
        self,
        first_seed: int,
        length: int,
        size_wh: tuple[int, int],
        captions: int,
        seed: int,
        variant: str = "singles",
        exposure: str = "v1",
    ) -> None:
        self.first_seed = first_seed
        self.length = length
        self.size_wh = size_wh
        self.captions = captions
        self.seed = seed
        self.variant = variant
        self.exposure = exposure

    def __len__(self) -> int:
        """Number of scenes."""
        return self.length

    def __getitem__(self, index: int) -> Pair:
        """Image uint8 (h, w, 3) RGB, the captions drawn for it, and all it has."""
        scene = self.first_seed + index
        image_hw3, captions = generate_pair(
            scene, variant=self.variant, size_wh=self.size_wh, exposure=self.exposure
        )
        drawn = choose_captions(captions, self.captions, scene * 1000003 + self.seed)
        return Pair(image_hw3, drawn, list(captions), f"{self.variant} scene {scene}")


def streetworld_batches(
    *,
    first_seed: int,
    steps: int,
    start_step: int,
    batch: int,
    captions: int,
    size_wh: tuple[int, int],
    seed: int,
    collate: Collate,
    workers: int,
    variant: str = "singles",
    exposure: str = "v1",
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[Batch]:
    """Batches for steps ``start_step`` .. ``steps``: step s always holds the same scenes, so a
    resumed run sees what an unbroken one would have seen.
    """
    length = steps * batch * world_size
    pairs = StreetWorldPairs(first_seed, length, size_wh, captions, seed, variant, exposure)
    rows = [
        range((step * world_size + rank) * batch, (step * world_size + rank + 1) * batch)
        for step in range(start_step, steps)
    ]
    loader = DataLoader(
        pairs,
        batch_sampler=rows,
        collate_fn=collate,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=use_one_thread,
        multiprocessing_context=worker_context() if workers else None,
    )
    yield from loader


class StreetWorldSource:
    """StreetWorld as a :class:`training.data.source.PairSource`.

    Args:
        data: size, variant, exposure and workers.
        seed: of the captions drawn.
        rank: number of this process among its peers, from 0.
        count: how many processes share the scenes.
    """

    def __init__(self, data: DataConfig, seed: int, rank: int = 0, count: int = 1) -> None:
        self.data = data
        self.seed = seed
        self.rank = rank
        self.count = count

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """Consecutive scenes, other ones in every process."""
        return streetworld_batches(
            first_seed=span.first_seed,
            steps=span.steps,
            start_step=span.start,
            batch=span.batch,
            captions=span.captions,
            size_wh=self.data.size_wh,
            seed=self.seed,
            collate=collate,
            workers=self.data.workers,
            variant=self.data.variant,
            exposure=self.data.exposure,
            rank=self.rank,
            world_size=self.count,
        )

    def known_captions(self) -> None:
        """They are not known beforehand."""

    def take_tally(self) -> Tally:
        """Nothing is ever passed over."""
        return Tally()

    def check_mosaic(self, mosaic_hw: tuple[int, int], first_seed: int) -> None:
        """See that scenes which are tiles of one mosaic are joined to that one. All others are
        independent and can be joined to any mosaic.

        Raises:
            UserError: tiles would be joined otherwise.
        """
        if mosaic_hw == (1, 1) or not VARIANTS[self.data.variant].tiles:
            return
        rows, columns = TILES_HW
        if mosaic_hw != TILES_HW:
            raise UserError(
                f"pretrain.mosaic is {mosaic_hw[0]}x{mosaic_hw[1]}, and scenes of data.variant "
                f"'{self.data.variant}' are tiles of mosaics of {rows}x{columns}; expected "
                f"--set 'pretrain.mosaic=[{rows},{columns}]'"
            )
        number = first_seed % (rows * columns)
        if number:
            raise UserError(
                f"data.first_seed {first_seed} does not begin a mosaic of {rows}x{columns} "
                f"tiles; expected a multiple of {rows * columns}, e.g. "
                f"--set data.first_seed={first_seed - number}"
            )
