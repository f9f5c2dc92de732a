"""A class list made ready for the graph: text embeddings, and the label each of them stands for."""

from __future__ import annotations

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

if TYPE_CHECKING:
    import numpy as np

MAX_WORDS = 1024

__all__ = ["MAX_WORDS", "TextQueries", "prepare_queries"]


@dataclass(frozen=True, eq=False)
class TextQueries:
    """A class list made ready for the graph; never changed, only replaced by another.

    Attributes:
        class_names: the classes in label order.
        background: the words that compete with the classes; a pixel that one wins is 255.
        words: the K words of all classes, other names that the model knows a class by included,
            then those of the background.
        text: float32 (K, D), read-only: the words' embeddings, in the same order.
        label_of_row: uint8 (K,): the label of each word, 255 for background.
        dropped: words of the bundle's list that mean a class, and so do not compete.
    """

    class_names: tuple[str, ...]
    background: tuple[str, ...]
    words: tuple[str, ...]
    text: np.ndarray
    label_of_row: np.ndarray
    dropped: tuple[DroppedRival, ...] = ()


def prepare_queries(
    embedder: TextEmbedder,
    classes: str | Sequence[str],
    background: str | Sequence[str],
    allow_unknown: bool,
) -> TextQueries:
    """Parse classes and background, check and embed their words.

    See :meth:`runtime.Segmenter.set_classes` for the other arguments and the errors.
    """
    import numpy as np

    entries = _distinct(parse_classes(classes), embedder)
    asked = tuple(word for entry in entries for word in entry.words)
    embedder.embed(asked, allow_unknown)  # unknown classes are told before the background's
    other_words = choose_background(background, entries, embedder, allow_unknown)
    dropped = dropped_rivals(background, entries, embedder)
    entries = _distinct(with_trained_names(entries, dropped, embedder), embedder)
    words = (*(word for entry in entries for word in entry.words), *other_words)
    if len(words) > MAX_WORDS:
        raise UserError(
            f"{len(words)} words given, classes and background together; at most {MAX_WORDS} "
            "fit the graph; give fewer"
        )
    text = embedder.embed(words, allow_unknown=True)
    text.setflags(write=False)
    labels = [label for label, entry in enumerate(entries) for _ in entry.words]
    labels += [NONE_LABEL] * len(other_words)
    return TextQueries(
        class_names=tuple(entry.name for entry in entries),
        background=other_words,
        words=words,
        text=text,
        label_of_row=np.array(labels, dtype=np.uint8),
        dropped=dropped,
    )


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
