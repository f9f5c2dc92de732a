"""From a caption's scores at every place of a photograph to one score for the pair.

All but ``max``, ``top`` and ``object`` are means with a soft mask m as weights:
``sum(m s) / sum(m)``.

- ``mean``: every place weighs the same.
- ``softmax``: ``m = exp(s / temperature)``, so that the best places weigh most.
- ``sigmoid``: ``m = 1 / (1 + exp(-(s - mean) / temperature))``: what is above the photograph's
  mean weighs, as a mask of the caption would.
- ``top``: the mean over the share of places that score highest.
- ``max``: the best place alone; with adaptive units, the best unit.
- ``object``: not scores but the embeddings are averaged under the mask of ``sigmoid``, and the
  caption's cosine with that is the score: what the object level of training aligns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class PoolSettings:
    """What the ways of pooling need.

    Attributes:
        temperature: of ``softmax`` and ``sigmoid``, in units of the cosine, above 0.
        top: share of the places that ``top`` takes, in (0, 1]; at least one place.
    """

    temperature: float
    top: float


def _mean(scores_kn: np.ndarray, settings: PoolSettings) -> np.ndarray:
    return np.asarray(scores_kn.mean(axis=1))


def _softmax(scores_kn: np.ndarray, settings: PoolSettings) -> np.ndarray:
    best_k1 = scores_kn.max(axis=1, keepdims=True)
    return _weighed(scores_kn, cv2.exp((scores_kn - best_k1) / np.float32(settings.temperature)))


def _mask(scores_kn: np.ndarray, settings: PoolSettings) -> np.ndarray:
    mean_k1 = scores_kn.mean(axis=1, keepdims=True)
    # Beyond 60 the weight is zero or one in float32, and exp stays finite.
    below = np.clip((mean_k1 - scores_kn) / np.float32(settings.temperature), -60, 60)
    return np.asarray(1 / (1 + cv2.exp(below)))


def _sigmoid(scores_kn: np.ndarray, settings: PoolSettings) -> np.ndarray:
    return _weighed(scores_kn, _mask(scores_kn, settings))


def _top(scores_kn: np.ndarray, settings: PoolSettings) -> np.ndarray:
    places = scores_kn.shape[1]
    count = max(1, round(settings.top * places))
    best = np.partition(scores_kn, places - count, axis=1)[:, places - count :]
    return np.asarray(best.mean(axis=1))


def _max(scores_kn: np.ndarray, settings: PoolSettings) -> np.ndarray:
    return np.asarray(scores_kn.max(axis=1))


def pool_object(
    scores_kn: np.ndarray, embeddings_dn: np.ndarray, settings: PoolSettings
) -> np.ndarray:
    """Cosines of captions and what their masks hold.

    Args:
        scores_kn: float32, cosines of k captions at n places.
        embeddings_dn: float32, the places' embeddings.
        settings: of the masks.

    Returns:
        float32 (k,).
    """
    mask_kn = _mask(scores_kn, settings)
    held_kd = mask_kn @ embeddings_dn.T
    products_k = np.einsum("kn,kn->k", scores_kn, mask_kn)
    return np.asarray(products_k / np.linalg.norm(held_kd, axis=1).clip(1e-6))


def _weighed(scores_kn: np.ndarray, mask_kn: np.ndarray) -> np.ndarray:
    products_k = np.einsum("kn,kn->k", scores_kn, mask_kn)
    return np.asarray(products_k / mask_kn.sum(axis=1))


#: Float32 (k, n), the scores of k captions at n places, to float32 (k,).
POOLS: dict[str, Callable[[np.ndarray, PoolSettings], np.ndarray]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "mean": _mean,
    "top": _top,
    "max": _max,
}
OBJECT = "object"
NAMES = (*POOLS, OBJECT)
