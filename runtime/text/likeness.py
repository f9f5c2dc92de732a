"""Whether two words mean so nearly the same that a picture may show either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.text.background import NEAR_SYNONYM_COSINE, NEAR_SYNONYM_COSINE_UNCENTERED
from runtime.text.calibration import LEAST_COSINE, calibrate
from runtime.text.synonyms import same_thing

if TYPE_CHECKING:
    from runtime.text.embedder import TextEmbedder

__all__ = ["nearly_the_same"]


def nearly_the_same(embedder: TextEmbedder, words: Sequence[str], other: str) -> bool:
    """Whether a word of a class and another mean the same, or nearly, to this model.

    Less than what makes a word of the list no rival: one that stays a rival may be this near
    ("road" and "pavement"). English tells it, or the embeddings: in the space of the bundle's
    list, where that is long enough, else by the cosine that is near among texts.
    """
    if any(same_thing(word, other) for word in words):
        return True
    try:
        rows = embedder.embed([*words, other], allow_unknown=True)
        listed = embedder.embed(embedder.bundle.manifest.background_words, allow_unknown=True)
    except (UserError, ValueError):
        return False  # a bundle without a list, or without the encoder that the list needs
    space = calibrate(listed)
    if space is not None:
        rows, bound = space.apart(rows), LEAST_COSINE
    else:
        centered = embedder.bundle.manifest.text.centered
        bound = NEAR_SYNONYM_COSINE if centered else NEAR_SYNONYM_COSINE_UNCENTERED
    return bool((rows[:-1] @ rows[-1]).max() > bound)
