"""A list of words of any length, embedded once: what :meth:`.Segmenter.top_words` chooses from.

A stream's classes are at most 254, for labels have 8 bits. A word list has no such end: the words
of a lexicon, 100,000 of them, are a matrix of 100,000 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.text.classes import check_name
from runtime.text.embedder import TextEmbedder

if TYPE_CHECKING:
    import numpy as np

# Words whose prompts are encoded, and held as text, at once.
_WORDS_AT_ONCE = 512

__all__ = ["WordList", "prepare_words"]


@dataclass(frozen=True, eq=False)
class WordList:
    """Words and their embeddings; never changed, and good for any number of frames and streams.

    Attributes:
        words: n of them.
        text: float32 (n, D), read-only, L2-normalised rows in the same order.
        encoder_sha256: the text encoder that made them; None where nobody says, and any is good.
    """

    words: tuple[str, ...]
    text: np.ndarray
    encoder_sha256: str | None = None

    def __len__(self) -> int:
        return len(self.words)


def prepare_words(
    embedder: TextEmbedder, words: Sequence[str] | None, allow_unknown: bool = False
) -> WordList:
    """Embed words; those that the vocabulary holds cost nothing, others a run of the encoder each.

    Args:
        embedder: of the bundle.
        words: names; of several that are one word to the model ("car", "Car", "cars") the first
            is taken. None: all names of the bundle's vocabulary.
        allow_unknown: encode names that the model was not trained on.

    Raises:
        UserError: no word, or one that is no readable name or too long.
        UnknownClassError: a word is unknown to the model.
    """
    import numpy as np
    from tqdm import tqdm

    encoder = embedder.bundle.manifest.text.encoder_sha256
    if words is None:
        vocabulary = embedder.vocabulary
        text = vocabulary.embeddings.view()
        text.setflags(write=False)
        return WordList(vocabulary.names, text, encoder)
    chosen = _distinct(words, embedder)
    text = np.empty((len(chosen), embedder.vocabulary.embedding_width), np.float32)
    starts = range(0, len(chosen), _WORDS_AT_ONCE)
    for start in tqdm(starts, desc="words", delay=2, leave=False, disable=None):
        part = chosen[start : start + _WORDS_AT_ONCE]
        embedder.check_lengths(part)
        text[start : start + len(part)] = embedder.embed(part, allow_unknown)
    text.setflags(write=False)
    return WordList(tuple(chosen), text, encoder)


def _distinct(words: Sequence[str], embedder: TextEmbedder) -> list[str]:
    """The words, each once, checked."""
    if isinstance(words, str):
        raise UserError(f'words is the text {words[:40]!r}; expected a list: ["car", "tree"]')
    first_of: dict[str, str] = {}
    for word in words:
        if not isinstance(word, str):
            raise UserError(f"words should be texts, found {word!r}; give names such as person")
        word = " ".join(word.split())
        if not word:
            raise UserError("words: one is empty; expected names such as person")
        check_name(word, "words")
        first_of.setdefault(embedder.key_of(word), word)
    if not first_of:
        raise UserError("the list of words is empty; expected names such as person,car")
    return list(first_of.values())
