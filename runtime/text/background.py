"""The other words: what competes with the user's classes so that nobody's sky is a car."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.bundle import name_key
from runtime.errors import UserError
from runtime.text.classes import ClassEntry, parse_classes

if TYPE_CHECKING:
    from runtime.text.embedder import TextEmbedder

# A background word whose embedding is closer than this to one of the user's says the same thing.
# Without a centre taken off, all of CLIP's texts lie close together, so the bound lies higher; and
# it is never lower than the cosine of two words of the list itself, which are different things.
NEAR_SYNONYM_COSINE = 0.8
NEAR_SYNONYM_COSINE_UNCENTERED = 0.95

__all__ = ["choose_background", "same_thing"]


def choose_background(
    background: str | Sequence[str],
    entries: Sequence[ClassEntry],
    embedder: TextEmbedder,
    allow_unknown: bool = False,
) -> tuple[str, ...]:
    """Background words for the user's classes.

    ``"auto"``: the bundle's list without those that say what a class says (the same name, a kind
    of it, or an embedding nearer than the bound above). ``"none"``: none. Anything else: the
    user's own words, as a text with commas or a sequence; :class:`UserError` if one of them is
    also a class, or is unknown and ``allow_unknown`` does not stand.
    """
    if isinstance(background, str) and background.strip().lower() == "none":
        return ()
    words = [word for entry in entries for word in entry.words]
    if isinstance(background, str) and background.strip().lower() == "auto":
        return _auto(words, embedder)
    if not isinstance(background, str) and not list(background):
        return ()
    own = parse_classes(background, "background words")
    chosen = tuple(word for entry in own for word in entry.words)
    taken = set(map(name_key, words))
    for word in chosen:
        if name_key(word) in taken:
            raise UserError(
                f"background word {word!r} is also one of the classes; expected other words; "
                "take it out of one list"
            )
    embedder.embed(chosen, allow_unknown)  # an unknown one is the user's to correct
    return chosen


def same_thing(one: str, other: str) -> bool:
    """Whether two names are the same but for a plural s, or one is a kind of the other.

    A kind has the other as its last words: a "purple bus" is a bus, a "bus stop" is not.
    """
    one, other = _singular(one), _singular(other)
    return one == other or one.endswith(" " + other) or other.endswith(" " + one)


def _singular(name: str) -> str:
    """The name without the last word's plural s; "bus" and "glass" have none."""
    key = name_key(name)
    last = key.rpartition(" ")[2]
    return key[:-1] if len(last) > 3 and last.endswith("s") and not last.endswith("ss") else key


def _auto(words: Sequence[str], embedder: TextEmbedder) -> tuple[str, ...]:
    others = [
        other
        for other in embedder.bundle.manifest.background_words
        if not any(same_thing(other, word) for word in words)
    ]
    if not others:
        return ()
    # The user's words have been checked before; the bundle's own are not the user's to answer for.
    rows = embedder.embed(words, allow_unknown=True)
    cosines = embedder.embed(others, allow_unknown=True) @ rows.T
    bound = _synonym_bound(embedder)
    return tuple(
        other for other, near in zip(others, cosines.max(axis=1), strict=True) if near <= bound
    )


def _synonym_bound(embedder: TextEmbedder) -> float:
    manifest = embedder.bundle.manifest
    bound = NEAR_SYNONYM_COSINE if manifest.text.centered else NEAR_SYNONYM_COSINE_UNCENTERED
    listed = embedder.embed(manifest.background_words, allow_unknown=True)
    between = listed @ listed.T
    between[range(len(listed)), range(len(listed))] = -1.0
    return max(bound, float(between.max()))
