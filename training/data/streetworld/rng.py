"""Where chance comes from: one stream per (namespace, seed), the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

# Training draws from "train" only; the constants keep the streams apart for ever.
NAMESPACE_KEYS: dict[str, int] = {
    "train": 0x7472,
    "eval": 0x6576,
    "compositions": 0x636F,
    "demo": 0x6465,
}
NAMESPACES: tuple[str, ...] = tuple(NAMESPACE_KEYS)


class Rng:
    """Scalar random draws, built on nothing but ``random()`` of a Mersenne twister.

    numpy's SeedSequence spreads the seed; the scalar draws come from ``random.Random`` because
    they cost a tenth of numpy's, and only ``random()`` is used because Python guarantees its
    sequence over versions.
    """

    __slots__ = ("random",)

    def __init__(self, *entropy: int) -> None:
        """Start the stream that belongs to the whole numbers in ``entropy``."""
        state = np.random.SeedSequence(entropy).generate_state(4)
        self.random = random.Random(int.from_bytes(state.astype("<u4").tobytes(), "little")).random

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.random()

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def sign(self) -> float:
        """Either -1.0 or 1.0."""
        return 1.0 if self.random() < 0.5 else -1.0

    def bell(self, centre: float, spread: float) -> float:
        """A draw around ``centre``, standard deviation about ``spread``, never beyond 2.5 of it."""
        return centre + spread * 1.42 * (self.random() + self.random() + self.random() - 1.5) * 1.41

    def pick(self, items: Sequence[Item]) -> Item:
        """One of ``items``, each as likely."""
        return items[int(self.random() * len(items))]

    def weighted(self, weights: Mapping[Item, float]) -> Item:
        """One key of ``weights``, as likely as its weight says."""
        mark = self.random() * sum(weights.values())
        for item, weight in weights.items():
            mark -= weight
            if mark < 0:
                return item
        return item

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in random order, as a new list."""
        rest = list(items)
        for last in range(len(rest) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            rest[last], rest[other] = rest[other], rest[last]
        return rest


def rng_for(namespace: str, seed: int) -> Rng:
    """The stream of scene ``seed`` in ``namespace``.

    Raises:
        ValueError: for a namespace that does not exist or a negative seed.
    """
    if namespace not in NAMESPACE_KEYS:
        raise ValueError(f"namespace {namespace!r} does not exist; choose from {NAMESPACES}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    return Rng(NAMESPACE_KEYS[namespace], seed)
