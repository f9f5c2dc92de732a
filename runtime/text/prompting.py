"""From prompts to one embedding for a name: the exact arithmetic, shared by runtime and export.

embedding(name) = L2n( mean over prompts p of L2n(E_t(p with the name filled in)) - text_center )

Sets whose mean comes first (TCL's) have L2n( mean over p of E_t(p) ) in place of that mean.

Prompts steady the embedding (a bare "sky" sits far from captions); the centre, the mean embedding
of ordinary captions, takes off what all texts share, so that cosines spread out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["embed_names", "fill_prompts", "pool_prompts"]


def fill_prompts(names: Sequence[str], prompts: Sequence[str]) -> list[str]:
    """Every prompt of every name, name by name: ``len(names) * len(prompts)`` texts.

    >>> fill_prompts(["car"], ["a {}.", "one {}"])
    ['a car.', 'one car']
    """
    # str.replace, not str.format: a name may hold braces.
    return [prompt.replace("{}", name, 1) for name in names for prompt in prompts]


def pool_prompts(
    encoded: np.ndarray, text_center: np.ndarray, mean_first: bool = False
) -> np.ndarray:
    """One embedding a name, float32 (n, D) L2-normalised, out of its encoded prompts.

    ``encoded`` float (n, P, D): the text encoder's output for each prompt, of any length;
    ``text_center`` float (D,): zeros where no centre is used; ``mean_first``: whether the mean is
    of the encoder's output as it is.

    >>> import numpy as np
    >>> pool_prompts(np.array([[[2.0, 0.0], [0.0, 3.0]]]), np.zeros(2)).round(3)
    array([[0.707, 0.707]], dtype=float32)
    """
    import numpy as np

    if mean_first:
        encoded = encoded.mean(axis=1, keepdims=True)
    mean = _normalised(encoded.astype(np.float64)).mean(axis=1)
    return _normalised(mean - text_center.astype(np.float64)).astype(np.float32)


def embed_names(
    names: Sequence[str],
    prompts: Sequence[str],
    encode: Callable[[list[str]], np.ndarray],
    text_center: np.ndarray,
    mean_first: bool = False,
) -> np.ndarray:
    """Embeddings float32 (n, D) of names; ``encode`` maps m texts to float (m, D), any length."""
    encoded = encode(fill_prompts(names, prompts))
    return pool_prompts(encoded.reshape(len(names), len(prompts), -1), text_center, mean_first)


def _normalised(vectors: np.ndarray) -> np.ndarray:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)
