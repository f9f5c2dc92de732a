"""Seeds that are mixed: whatever differs in one of their parts draws otherwise.

Sums of seeds are not enough: run 0 of rank 1 would draw as run 1 of rank 0 does.
"""

from __future__ import annotations

import numpy as np


def mixed_generator(*seeds: int) -> np.random.Generator:
    """A generator that any difference between the seeds makes a different one."""
    # Their number goes in as well: entropy is filled up with zeros, so that (1,) is (1, 0).
    words = (len(seeds), *(seed % 2**64 for seed in seeds))
    return np.random.default_rng(np.random.SeedSequence(words))


def seed_of_rank(seed: int, rank: int, *more: int) -> int:
    """A seed of one process among its peers, each of which has other images before it.

    Args:
        seed: of the run; the first process, and one that is alone, draws by it as it is.
        rank: number of the process, from 0.
        more: what else makes the others draw anew, such as the step that a run goes on from.

    >>> seed_of_rank(5, 0), seed_of_rank(5, 1) == seed_of_rank(6, 0)
    (5, False)
    """
    return seed if rank == 0 else int(mixed_generator(seed, rank, *more).integers(2**63))
