"""The other words: what competes with the user's classes so that nobody's sky is a car."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.bundle import name_key
from runtime.errors import UserError
from runtime.text.calibration import calibrate, closest_pair
from runtime.text.classes import ClassEntry, parse_classes
from runtime.text.synonyms import equal_names, same_thing

if TYPE_CHECKING:
    import numpy as np

    from runtime.text.embedder import TextEmbedder

# A background word whose embedding is closer than this to one of the user's says the same thing.
# Without a centre taken off, all of CLIP's texts lie close together, so the bound lies higher; and
# it is never lower than the cosine of two words of the list itself, which are different things.
NEAR_SYNONYM_COSINE = 0.8
NEAR_SYNONYM_COSINE_UNCENTERED = 0.95

__all__ = [
    "DroppedRival", "choose_background", "dropped_rivals", "same_thing", "with_trained_names",
]  # fmt: skip


@dataclass(frozen=True)
class DroppedRival:
    """A word of the bundle's list that does not compete, and the asked word that it means."""

    word: str
    means: str


def choose_background(
    background: str | Sequence[str],
    entries: Sequence[ClassEntry],
    embedder: TextEmbedder,
    allow_unknown: bool = False,
) -> tuple[str, ...]:
    """Background words for the user's classes.

    ``"auto"``: the bundle's list without those that say what a class says: the same name, its
    plural or a known synonym, a kind of it, or an embedding nearer than two different things of
    the list are (:class:`~runtime.text.calibration.Calibration`). ``"none"``: none. Anything
    else: the user's own words, as a text with commas or a sequence; :class:`UserError` if one of
    them is also a class (unless words are taken exactly), or is unknown and ``allow_unknown`` does
    not stand.
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
    taken = set(map(embedder.key_of, words))
    for word in chosen:
        if embedder.key_of(word) in taken and not embedder.exact:
            raise UserError(
                f"background word {word!r} is also one of the classes; expected other words; "
                "take it out of one list (--exact-words has it in both, as published protocols do)"
            )
    embedder.embed(chosen, allow_unknown)  # an unknown one is the user's to correct
    return chosen


def dropped_rivals(
    background: str | Sequence[str], entries: Sequence[ClassEntry], embedder: TextEmbedder
) -> tuple[DroppedRival, ...]:
    """What ``"auto"`` leaves out of the bundle's list, but the asked words themselves."""
    if not isinstance(background, str) or background.strip().lower() != "auto":
        return ()
    words = [word for entry in entries for word in entry.words]
    asked = set(map(name_key, words))
    return tuple(
        DroppedRival(word, means)
        for word, means in _meanings(words, embedder).items()
        if means is not None and name_key(word) not in asked
    )


def with_trained_names(
    entries: Sequence[ClassEntry], dropped: Sequence[DroppedRival], embedder: TextEmbedder
) -> tuple[ClassEntry, ...]:
    """The classes, each with the dropped rivals that are other names of it alone as words of its.

    Only where the bundle has a closed list of trained words: captions named a thing by some names
    more than by others, and the model knows the rarer ones little. An open vocabulary knows them.
    """
    if embedder.bundle.manifest.trained_words is None:
        return tuple(entries)
    added: dict[str, tuple[str, ...]] = {}
    for rival in dropped:
        owners = [
            entry.name
            for entry in entries
            if any(equal_names(rival.word, word) for word in entry.words)
        ]
        if len(owners) == 1:
            added[owners[0]] = (*added.get(owners[0], ()), rival.word)
    return tuple(
        ClassEntry(entry.name, (*entry.words, *added.get(entry.name, ()))) for entry in entries
    )


def _auto(words: Sequence[str], embedder: TextEmbedder) -> tuple[str, ...]:
    meanings = _meanings(words, embedder)
    return tuple(word for word, means in meanings.items() if means is None)


def _meanings(words: Sequence[str], embedder: TextEmbedder) -> dict[str, str | None]:
    """For each word of the bundle's list, which of the asked words it means, None for none."""
    meanings: dict[str, str | None] = {}
    for other in embedder.bundle.manifest.background_words:
        meanings[other] = next((word for word in words if same_thing(other, word)), None)
    others = [other for other, means in meanings.items() if means is None]
    if not others:
        return meanings
    # The user's words have been checked before; the bundle's own are not the user's to answer for.
    rows = embedder.embed(words, allow_unknown=True)
    theirs = embedder.embed(others, allow_unknown=True)
    listed = embedder.embed(embedder.bundle.manifest.background_words, allow_unknown=True)
    calibrated = calibrate(listed)
    for cosines, bound in (
        (theirs @ rows.T, _synonym_bound(listed, embedder)),
        *([] if calibrated is None else [calibrated.compare(theirs, rows)]),
    ):
        for other, row in zip(others, cosines, strict=True):
            if row.max() > bound and meanings[other] is None:
                meanings[other] = words[int(row.argmax())]
    return meanings


def _synonym_bound(listed: np.ndarray, embedder: TextEmbedder) -> float:
    centered = embedder.bundle.manifest.text.centered
    bound = NEAR_SYNONYM_COSINE if centered else NEAR_SYNONYM_COSINE_UNCENTERED
    return max(bound, closest_pair(listed))
