"""A class list made ready for the graph: text embeddings, and the label each of them stands for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.text.background import (
    DroppedRival,
    choose_background,
    dropped_rivals,
    with_trained_names,
)
from runtime.text.classes import NONE_LABEL, ClassEntry, parse_classes
from runtime.text.embedder import TextEmbedder
from runtime.text.wording import OWN_WORDING, Wording

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("mgca.words")

MAX_WORDS = 1024

__all__ = ["MAX_WORDS", "TextQueries", "prepare_queries"]


@dataclass(frozen=True, eq=False)
class TextQueries:
    """A class list made ready for the graph; never changed, only replaced by another.

    Attributes:
        class_names: the classes in label order.
        background: the words that compete with the classes; a pixel that one wins is 255.
        words: the K words of all classes, other names that the model knows a class by included,
            then those of the background. A word of both stands first, as the background's: at
            equal scores the earlier one wins.
        text: float32 (K, D), read-only: the words' embeddings, in the same order.
        label_of_row: uint8 (K,): the label of each word, 255 for background.
        dropped: words of the bundle's list that mean a class, and so do not compete.
        asked: the classes as they were asked for, in label order.
        background_asked: the same for the background: ``"auto"``, ``"none"`` or words.
        allow_unknown: whether words that the model was not trained on were allowed.
        wording: what the words are put into, and whether they are taken as typed.
    """

    class_names: tuple[str, ...]
    background: tuple[str, ...]
    words: tuple[str, ...]
    text: np.ndarray
    label_of_row: np.ndarray
    dropped: tuple[DroppedRival, ...] = ()
    asked: tuple[ClassEntry, ...] = ()
    background_asked: str | tuple[str, ...] = "auto"
    allow_unknown: bool = False
    wording: Wording = OWN_WORDING


def prepare_queries(
    embedder: TextEmbedder,
    classes: str | Sequence[str],
    background: str | Sequence[str],
    allow_unknown: bool,
    wording: Wording = OWN_WORDING,
) -> TextQueries:
    """Parse classes and background, check and embed their words.

    See :meth:`runtime.Segmenter.set_classes` for the other arguments and the errors. A name that
    looks misspelled to an open vocabulary is warned of, once, by the logger ``mgca.words``.
    """
    import numpy as np

    embedder = embedder.asking(wording)
    asked = entries = _distinct(parse_classes(classes), embedder)
    asked_words = tuple(word for entry in entries for word in entry.words)
    embedder.embed(asked_words, allow_unknown)  # unknown classes are told before the background's
    other_words = choose_background(background, entries, embedder, allow_unknown)
    typed = asked_words if _is_auto(background) else (*asked_words, *other_words)
    embedder.check_lengths(typed)
    for doubt in embedder.new_doubts(typed):
        log.warning("%s", doubt)
    dropped = dropped_rivals(background, entries, embedder)
    entries = _distinct(with_trained_names(entries, dropped, embedder), embedder)
    rows = _rows(entries, other_words, embedder)
    words = tuple(word for word, _ in rows)
    if len(words) > MAX_WORDS:
        raise UserError(
            f"{len(words)} words given, classes and background together; at most {MAX_WORDS} "
            "fit the graph; give fewer"
        )
    text = embedder.embed(words, allow_unknown=True)
    text.setflags(write=False)
    return TextQueries(
        class_names=tuple(entry.name for entry in entries),
        background=other_words,
        words=words,
        text=text,
        label_of_row=np.array([label for _, label in rows], dtype=np.uint8),
        dropped=dropped,
        asked=asked,
        background_asked=background if isinstance(background, str) else tuple(background),
        allow_unknown=allow_unknown,
        wording=wording,
    )


def _rows(
    entries: Sequence[ClassEntry], background: Sequence[str], embedder: TextEmbedder
) -> list[tuple[str, int]]:
    """Each word with its label, in the order of the scores."""
    of_classes = [(word, label) for label, entry in enumerate(entries) for word in entry.words]
    taken = {embedder.key_of(word) for word, _ in of_classes}
    shared = [word for word in background if embedder.key_of(word) in taken]
    if shared:
        log.warning(
            "%s: both of a class and of the background, which has it where both score the same",
            ", ".join(map(repr, shared)),
        )
    others = [word for word in background if word not in shared]
    none = NONE_LABEL
    return [*((word, none) for word in shared), *of_classes, *((word, none) for word in others)]


def _is_auto(background: str | Sequence[str]) -> bool:
    return isinstance(background, str) and background.strip().lower() == "auto"


def _distinct(entries: Sequence[ClassEntry], embedder: TextEmbedder) -> tuple[ClassEntry, ...]:
    """The entries with each word once: in a class "cars" beside "car" adds nothing.

    Raises :class:`UserError` where two classes have a word that the model takes for the same.
    """
    owner: dict[str, tuple[str, ClassEntry]] = {}
    distinct = []
    for entry in entries:
        kept = []
        for word in entry.words:
            before, by = owner.setdefault(embedder.key_of(word), (word, entry))
            if before is word:
                kept.append(word)
            elif by is not entry:
                raise UserError(
                    f"classes: {word!r} and {before!r} are one word to this model, in two classes; "
                    f"expected each once; join them: {by.name}={before}|{word}"
                )
        distinct.append(ClassEntry(entry.name, tuple(kept)))
    return tuple(distinct)
