"""Batches of images and captions: what both training phases eat.

Shape legend: b images, j captions of all of them, l context length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.data.streetworld import generate_pair
from training.model.clip import IMAGE_MEAN, IMAGE_STD

Tokenizer = Callable[[list[str]], Tensor]


@dataclass(frozen=True)
class Batch:
    """Images with their captions.

    Attributes:
        images_bhw3: uint8 (b, h, w, 3) RGB.
        tokens_jl: int64 (j, l) token ids.
        owner_j: int64 (j,), the image of each caption.
    """

    images_bhw3: Tensor
    tokens_jl: Tensor
    owner_j: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(
            self.images_bhw3.to(device), self.tokens_jl.to(device), self.owner_j.to(device)
        )


def normalize_images(images_bhw3: Tensor) -> Tensor:
    """uint8 (b, h, w, 3) RGB -> float32 (b, 3, h, w), CLIP's mean and std taken off."""
    images = images_bhw3.permute(0, 3, 1, 2).float() / 255.0
    mean = torch.tensor(IMAGE_MEAN, device=images.device).reshape(1, 3, 1, 1)
    std = torch.tensor(IMAGE_STD, device=images.device).reshape(1, 3, 1, 1)
    return (images - mean) / std


def choose_captions(captions: Sequence[str], count: int, seed: int) -> list[str]:
    """Draw up to ``count`` different captions, the same ones for the same seed."""
    order = np.random.default_rng(seed).permutation(len(captions))
    return [captions[index] for index in order[:count]]


class StreetWorldPairs(Dataset):
    """Scene number i of the training stream: image and the captions drawn for it. Generated, never
    stored.
    """

    def __init__(
        self, first_seed: int, length: int, size_wh: tuple[int, int], captions: int, seed: int
    ) -> None:
        self.first_seed = first_seed
        self.length = length
        self.size_wh = size_wh
        self.captions = captions
        self.seed = seed

    def __len__(self) -> int:
        """Number of scenes."""
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, list[str]]:
        """Image uint8 (h, w, 3) RGB and its captions."""
        scene = self.first_seed + index
        image_hw3, captions = generate_pair(scene, size_wh=self.size_wh)
        return image_hw3, choose_captions(captions, self.captions, scene * 1000003 + self.seed)


class Collate:
    """Stack scenes into a :class:`Batch`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def __call__(self, pairs: list[tuple[np.ndarray, list[str]]]) -> Batch:
        """Pairs of image and captions -> one batch."""
        images = torch.from_numpy(np.stack([image for image, _ in pairs]))
        captions = [caption for _, several in pairs for caption in several]
        owner = torch.tensor([index for index, (_, several) in enumerate(pairs) for _ in several])
        return Batch(images, self.tokenizer(captions), owner)


def _one_thread(worker: int) -> None:
    """Workers draw with one thread: the cores belong to the arithmetic."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def streetworld_batches(
    *,
    first_seed: int,
    steps: int,
    start_step: int,
    batch: int,
    captions: int,
    size_wh: tuple[int, int],
    seed: int,
    tokenizer: Tokenizer,
    workers: int,
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[Batch]:
    """Batches for steps ``start_step`` .. ``steps``: step s always holds the same scenes, so a
    resumed run sees what an unbroken one would have seen.
    """
    pairs = StreetWorldPairs(first_seed, steps * batch * world_size, size_wh, captions, seed)
    rows = [
        range((step * world_size + rank) * batch, (step * world_size + rank + 1) * batch)
        for step in range(start_step, steps)
    ]
    loader = DataLoader(
        pairs,
        batch_sampler=rows,
        collate_fn=Collate(tokenizer),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread,
        # A forked child of a process that has already computed with OpenMP waits for ever.
        multiprocessing_context="forkserver" if workers else None,
    )
    yield from loader
