"""Batches of images and captions: what both training phases eat.

Shape legend: b images, j captions of all of them, l context length, u different nouns of the batch.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from training.data.nouns import Nouns
from training.model.clip import IMAGE_MEAN, IMAGE_STD

Tokenizer = Callable[[list[str]], Tensor]
# All that a worker unpickles. A name that cannot be imported is passed over without a word.
WORKER_IMPORTS = (
    "training.engine.trainer",
    "training.data.generated",
    "training.data.shards",
    "training.data.captioned",
)


class Pair(NamedTuple):
    """An image with its captions.

    Attributes:
        image_hw3: uint8 (h, w, 3) RGB.
        drawn: the captions drawn for it.
        captions: all that it has.
        key: what the source calls it, for messages.
    """

    image_hw3: np.ndarray
    drawn: list[str]
    captions: list[str]
    key: str = ""


@dataclass(frozen=True)
class Batch:
    """Images with their captions.

    Attributes:
        images_bhw3: uint8 (b, h, w, 3) RGB.
        tokens_jl: int64 (j, l) token ids.
        owner_j: int64 (j,), the image of each caption.
        noun_tokens_ul: int64 (u, l), a sentence about each noun that the batch names; None where
            nouns are not asked for or there are none.
        named_bu: bool (b, u), the nouns that each image's captions name, drawn or not.
        noun_names: the u nouns themselves, by which those of several processes are told apart.
        visit: 0 the first time; another number each time the same batch comes again
            (training.data.replay), so that other patches are left out then.
        mirrored: whether images are mirrored, each by itself.
        view_b: int64 (b,), which of the stored views each image is (training.data.views); None
            where views are not numbered.
        features: what a frozen encoder says of the images, as it says it: a dataclass of tensors
            (training.data.features); None: to be asked.
        keys: what the source calls each image; empty where it has no names.
    """

    images_bhw3: Tensor
    tokens_jl: Tensor
    owner_j: Tensor
    noun_tokens_ul: Tensor | None = None
    named_bu: Tensor | None = None
    visit: int = 0
    mirrored: bool = False
    view_b: Tensor | None = None
    features: Any = None
    keys: tuple[str, ...] = ()
    noun_names: tuple[str, ...] = ()

    @property
    def nouns(self) -> tuple[Tensor, Tensor] | None:
        """Sentences (u, l) and who names them (b, u), where the batch carries nouns."""
        if self.noun_tokens_ul is None or self.named_bu is None:
            return None
        return self.noun_tokens_ul, self.named_bu

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return self._each(lambda tensor: tensor.to(device))

    def clone(self) -> Batch:
        """A copy in memory of its own: what workers send is in memory shared with them, of which a
        process may not keep much.
        """
        return self._each(Tensor.clone)

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return _change_tensors(self, change)


def _change_tensors(holder: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A copy of a dataclass with each of its tensors changed, also of a dataclass within."""
    changed = {}
    for part in dataclasses.fields(holder):
        value = getattr(holder, part.name)
        if isinstance(value, Tensor):
            changed[part.name] = change(value)
        elif dataclasses.is_dataclass(value):
            changed[part.name] = _change_tensors(value, change)
    return dataclasses.replace(holder, **changed)


def unit_images(images_bhw3: Tensor) -> Tensor:
    """uint8 (b, h, w, 3) RGB -> float32 (b, 3, h, w) in [0, 1]."""
    return images_bhw3.permute(0, 3, 1, 2).float() / 255.0


def normalize_images(images_bhw3: Tensor) -> Tensor:
    """uint8 (b, h, w, 3) RGB -> float32 (b, 3, h, w), CLIP's mean and std taken off."""
    return normalize_colors(unit_images(images_bhw3))


def normalize_colors(colors_b3hw: Tensor) -> Tensor:
    """RGB in [0, 1] (b, 3, h, w) -> CLIP's mean and std taken off."""
    mean = torch.tensor(IMAGE_MEAN, device=colors_b3hw.device).reshape(1, 3, 1, 1)
    std = torch.tensor(IMAGE_STD, device=colors_b3hw.device).reshape(1, 3, 1, 1)
    return (colors_b3hw - mean) / std


def choose_captions(captions: Sequence[str], count: int, seed: int) -> list[str]:
    """Draw up to ``count`` different captions, the same ones for the same seed."""
    order = np.random.default_rng(seed).permutation(len(captions))
    return [captions[index] for index in order[:count]]


class Collate:
    """Stack pairs into a :class:`Batch`.

    Args:
        tokenizer: of the captions.
        nouns: finds what captions name; None: the batch carries no nouns.
        templates: sentences a noun is put into, a different one from batch to batch.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        nouns: Nouns | None = None,
        templates: Sequence[str] = ("{}",),
    ) -> None:
        self.tokenizer = tokenizer
        self.nouns = nouns
        self.templates = templates

    def __call__(self, pairs: list[Pair]) -> Batch:
        """Pairs of image and captions -> one batch."""
        images = torch.from_numpy(np.stack([pair.image_hw3 for pair in pairs]))
        captions = [caption for pair in pairs for caption in pair.drawn]
        owner = torch.tensor([index for index, pair in enumerate(pairs) for _ in pair.drawn])
        tokens = self.tokenizer(captions)
        batch = Batch(images, tokens, owner, keys=tuple(pair.key for pair in pairs))
        if self.nouns is None:
            return batch
        named = [self.nouns.nouns_of(pair.captions) for pair in pairs]
        nouns = sorted({noun for several in named for noun in several})
        if not nouns:
            return batch
        named_bu = torch.tensor([[noun in several for noun in nouns] for several in named])
        # The batch's own content chooses the sentences: the same batch always reads the same.
        first = int(owner.numel() + tokens.sum())
        sentences = [
            self.templates[(first + index) % len(self.templates)].format(noun)
            for index, noun in enumerate(nouns)
        ]
        return dataclasses.replace(
            batch,
            noun_tokens_ul=self.tokenizer(sentences),
            named_bu=named_bu,
            noun_names=tuple(nouns),
        )


def use_one_thread(worker: int) -> None:
    """Workers draw with one thread: the cores belong to the arithmetic."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def worker_context() -> BaseContext:
    """How workers begin: forked off a server that has imported what they need.

    Not off this process: a forked child of one that has already computed with OpenMP waits for
    ever. And without the server's imports every worker imports torch by itself, one after the
    other.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(WORKER_IMPORTS))
    return context
