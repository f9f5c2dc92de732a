"""Batches come several times, where the arithmetic is quicker than the scenes are drawn.

A GPU learns from more images a second than the processors beside it can draw. Between two fresh
batches it then gets earlier ones again: mirrored or not, with other patches left out and other
tiles exchanged. A few passes over data that is used up anyway teach nearly what as many fresh
images would (Muennighoff et al. 2023, "Scaling Data-Constrained Language Models").
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np

from training.data.batches import Batch


def replay_batches(
    fresh: Iterable[Batch], *, passes: int, window: int, seed: int
) -> Iterator[Batch]:
    """After each fresh batch, ``passes - 1`` drawn from the last ``window`` ones.

    Which are drawn, and which of them are mirrored, depends on the seed alone.

    Args:
        fresh: batches, wherever their tensors are to be kept.
        passes: how often a batch is used on average; 1: what comes is handed on.
        window: how many batches are kept.
        seed: of the draws.
    """
    kept: deque[Batch] = deque(maxlen=window)
    random = np.random.default_rng(seed)
    visit = 0
    for batch in fresh:
        yield batch
        kept.append(batch.clone())
        for _ in range(passes - 1):
            visit += 1
            again = kept[int(random.integers(len(kept)))]
            yield come_again(again, visit, mirrored=bool(random.integers(2)))


def come_again(batch: Batch, visit: int, *, mirrored: bool) -> Batch:
    """The same scenes for another visit; captions do not tell left from right."""
    images = batch.images_bhw3.flip(2) if mirrored else batch.images_bhw3
    return dataclasses.replace(batch, images_bhw3=images, visit=visit, mirrored=mirrored)
