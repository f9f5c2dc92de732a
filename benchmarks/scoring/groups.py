"""Fixed groups: hard k-means with a fixed number of slots, as grouping methods predict.

Every image gets the same number of groups, whatever it shows. Where the seeds fall is not left to
chance: the first is the pixel nearest to the mean, each next one the pixel farthest from all seeds.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10


def group_pixels(features_nf: np.ndarray, slots: int) -> np.ndarray:
    """Slot of every pixel, int64 (n,), by Lloyd's rounds over squared distances.

    Args:
        features_nf: float32 (n, f).
        slots: how many groups; an image with fewer different pixels leaves some empty.
    """
    centres_uf = features_nf[_farthest_points(features_nf, slots)]
    for _ in range(ROUNDS):
        slot_n = _nearest(features_nf, centres_uf)
        member_un = (slot_n == np.arange(len(centres_uf))[:, None]).astype(features_nf.dtype)
        mass_u1 = member_un.sum(axis=1, keepdims=True)
        moved_uf = np.where(
            mass_u1 > 0, (member_un @ features_nf) / np.maximum(mass_u1, 1), centres_uf
        )
        if np.array_equal(moved_uf, centres_uf):
            break
        centres_uf = moved_uf
    return _nearest(features_nf, centres_uf)


def mean_embeddings(embeddings_nd: np.ndarray, slot_n: np.ndarray, slots: int) -> np.ndarray:
    """Unit-length mean embedding of each slot's pixels, (slots, d); zeros where there are none."""
    member_un = (slot_n == np.arange(slots)[:, None]).astype(embeddings_nd.dtype)
    sums_ud = member_un @ embeddings_nd
    length_u1 = np.linalg.norm(sums_ud, axis=1, keepdims=True)
    return sums_ud / np.maximum(length_u1, 1e-6)


def _farthest_points(features_nf: np.ndarray, slots: int) -> list[int]:
    length_n = np.square(features_nf).sum(axis=1)
    centred_n = length_n - 2.0 * (features_nf @ features_nf.mean(axis=0))
    chosen = [int(centred_n.argmin())]
    nearest_n = np.full(len(features_nf), np.inf)
    while len(chosen) < min(slots, len(features_nf)):
        last = chosen[-1]
        distance_n = length_n - 2.0 * (features_nf @ features_nf[last]) + length_n[last]
        nearest_n = np.minimum(nearest_n, distance_n)
        chosen.append(int(nearest_n.argmax()))
    return chosen


def _nearest(features_nf: np.ndarray, centres_uf: np.ndarray) -> np.ndarray:
    # up to the pixel's own length, which does not change which centre is nearest
    distance_nu = np.square(centres_uf).sum(axis=1) - 2.0 * (features_nf @ centres_uf.T)
    return distance_nu.argmin(axis=1)
