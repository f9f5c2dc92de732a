"""Image-text pairs from WebDataset shards (CC3M and the like): ``jpg``/``png``/``webp`` beside
``txt``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import webdataset
from torch.utils.data import DataLoader

from runtime.errors import UserError
from training.data.batches import Batch, Collate, Pair, worker_context
from training.data.config import DataConfig
from training.data.source import Span


def crop_and_resize(
    image_hw3: np.ndarray, size_wh: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """A random crop of 50 to 100 % of the area at the wanted aspect, mirrored half of the time.

    Args:
        image_hw3: uint8 (h, w, 3).
        size_wh: wanted (width, height).
        rng: source of the crop.

    Returns:
        uint8 (height, width, 3).
    """
    height, width = image_hw3.shape[:2]
    aspect = size_wh[0] / size_wh[1]
    full_w = min(width, height * aspect)
    scale = np.sqrt(rng.uniform(0.5, 1.0))
    crop_w = max(1, int(full_w * scale))
    crop_h = max(1, min(height, int(crop_w / aspect)))
    x = int(rng.integers(0, width - crop_w + 1))
    y = int(rng.integers(0, height - crop_h + 1))
    crop = image_hw3[y : y + crop_h, x : x + crop_w]
    shrinks = crop_w > size_wh[0]
    resized = cv2.resize(
        crop, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return np.ascontiguousarray(resized[:, ::-1]) if rng.random() < 0.5 else resized


def find_shards(pattern: str) -> list[str]:
    """Expand braces and check that the first and last local shards are there.

    Raises:
        UserError: no shard, or a local one that is missing.
    """
    shards = list(webdataset.shardlists.expand_urls(pattern))
    for shard in (shards[:1] + shards[-1:]) if shards else [pattern]:
        if "://" not in shard and not shard.startswith("pipe:") and not Path(shard).is_file():
            raise UserError(
                f"shard '{shard}' of --train-data does not exist; expected tar files such as "
                f"'cc3m/{{000..331}}.tar'"
            )
    return shards


class _Prepare:
    """A sample of a shard -> (image, [caption]); picklable, so that workers can run it."""

    def __init__(self, size_wh: tuple[int, int], seed: int) -> None:
        self.size_wh = size_wh
        self.rng = np.random.default_rng(seed)

    def __call__(self, sample: tuple[np.ndarray, str]) -> Pair:
        image, caption = sample
        image_hw3 = np.ascontiguousarray(image[..., :3])
        captions = [caption.strip()]
        return crop_and_resize(image_hw3, self.size_wh, self.rng), captions, captions


def _read_pairs(urls: list[str], size_wh: tuple[int, int], seed: int) -> Any:
    """A webdataset of shuffled pairs without an end."""
    pipeline: Any = webdataset.WebDataset(
        urls,
        resampled=True,
        shardshuffle=False,  # resampling draws shards in random order already
        nodesplitter=webdataset.split_by_node,
        seed=seed,
        handler=webdataset.warn_and_continue,
    )
    return (
        pipeline.shuffle(1000, seed=seed)
        .decode("rgb8", handler=webdataset.warn_and_continue)
        .to_tuple("jpg;png;jpeg;webp", "txt", handler=webdataset.warn_and_continue)
        .map(_Prepare(size_wh, seed))
    )


def shard_batches(
    *,
    shards: str,
    steps: int,
    batch: int,
    size_wh: tuple[int, int],
    seed: int,
    collate: Collate,
    workers: int,
) -> Iterator[Batch]:
    """``steps`` batches of shuffled pairs; shards repeat as often as needed. A resumed run
    reshuffles with its own seed.
    """
    pipeline = _read_pairs(find_shards(shards), size_wh, seed)
    loader = DataLoader(
        pipeline,
        batch_size=batch,
        collate_fn=collate,
        num_workers=workers,
        multiprocessing_context=worker_context() if workers else None,
    )
    for count, ready in enumerate(loader):
        if count == steps:
            return
        yield ready


class ShardSource:
    """Shards as a :class:`training.data.source.PairSource`.

    Args:
        data: shards, size and workers.
        seed: of the order in which pairs come, and of their crops.
    """

    def __init__(self, data: DataConfig, seed: int) -> None:
        self.data = data
        self.seed = seed

    def batches(self, span: Span, collate: Collate) -> Iterator[Batch]:
        """Pairs in random order; each process and worker draws its own."""
        if self.data.shards is None:
            raise ValueError("data.shards is None; expected a pattern of shards")
        return shard_batches(
            shards=self.data.shards,
            steps=span.steps - span.start,
            batch=span.batch,
            size_wh=self.data.size_wh,
            seed=self.seed + span.start,
            collate=collate,
            workers=self.data.workers,
        )

    def check_mosaic(self, mosaic_hw: tuple[int, int], first_seed: int) -> None:
        """Pairs are independent: any of them make a mosaic."""
