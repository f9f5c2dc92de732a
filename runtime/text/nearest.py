"""What to offer who asks for a word that is not known: names of near meaning, and of near spelling.

Meaning is told by English (:mod:`runtime.text.synonyms`) and by the bundle's text encoder, where it
can: a small encoder that never met a word gives it much the same embedding as any other it never
met, so words of no language stand beside it as a control.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from runtime.text.calibration import Calibration
from runtime.text.synonyms import related_things

if TYPE_CHECKING:
    import numpy as np

# Letters that agree so far are a slip of the keyboard; less is only a last resort.
SLIP = 0.8
SIMILAR = 0.6
# No word of any language, in several shapes.
CONTROLS = ("zzxq", "wqv", "brmlq", "xoqzu")

__all__ = ["by_encoder", "offer"]


def offer(
    name: str, known: Sequence[str], count: int, encoded: Callable[[], Sequence[str]]
) -> list[str]:
    """Up to ``count`` of the known names, best first; empty if none is near.

    Args:
        name: what was asked for, as ``name_key`` gives it.
        known: the names that can be used.
        count: how many at most.
        encoded: names of near meaning by the text encoder, asked only if they are needed.
    """
    near = [*_spelled(name, known, count, SLIP), *related_things(name, known)]
    if len(dict.fromkeys(near)) < count:
        near += encoded()
    near = near or _spelled(name, known, count, SIMILAR)
    if not near:
        near = [match for word in name.split() for match in _spelled(word, known, 1, SIMILAR)]
    return list(dict.fromkeys(near))[:count]


def by_encoder(
    space: Calibration,
    row: np.ndarray,
    names: Sequence[str],
    rows: np.ndarray,
    controls: np.ndarray,
) -> list[str]:
    """The names whose embeddings say the same thing, best first; none where it cannot be told.

    Args:
        space: where cosines are taken, and the bound of what means the same.
        row: float (D,), the embedding of the word asked for.
        names: n names.
        rows: float (n, D), their embeddings.
        controls: float (m, D), the embeddings of words without a meaning.
    """
    asked, nothing = space.apart(row[None])[0], space.apart(controls)
    if float((nothing @ asked).max()) > space.bound:
        return []  # the encoder takes the word for one without a meaning
    cosines = space.apart(rows) @ asked
    order = cosines.argsort(kind="stable")[::-1]
    return [names[int(at)] for at in order if cosines[at] > space.bound]


def _spelled(name: str, known: Sequence[str], count: int, cutoff: float) -> list[str]:
    return difflib.get_close_matches(name, known, n=count, cutoff=cutoff)
