"""The tokenizer of a bundle, of whatever kind its manifest names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from runtime.text.canonical_tokenizer import CANONICAL, CanonicalTokenizer
from runtime.text.sentence_tokenizer import SentenceTokenizer
from runtime.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np

__all__ = ["PromptTokenizer", "open_tokenizer"]


class PromptTokenizer(Protocol):
    """What turns prompts into token ids, CLIP's or a sentence encoder's."""

    context_length: int
    pad_id: int

    def count(self, text: str) -> int:
        """How many tokens a text takes, the special ones included, however many fit."""

    def is_word(self, word: str) -> bool:
        """Whether a word is a token of its own, as the frequent ones of a language are."""

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Token ids int64 (n, context_length); longer texts are cut."""


def open_tokenizer(
    path: str | os.PathLike[str], context_length: int, kind: str | None = None
) -> PromptTokenizer:
    """The tokenizer of a bundle.

    Args:
        path: its ``tokenizer.json``.
        context_length: tokens that a text may have.
        kind: what the manifest says: the kind of the model in the file, in small letters; None for
            CLIP's.

    Raises:
        BundleError: the file is not a tokenizer, or not of that kind.
    """
    if kind is None or kind == "clip":
        return Tokenizer(path, context_length)
    if kind.startswith(CANONICAL):
        return CanonicalTokenizer(path, context_length, kind)
    return SentenceTokenizer(path, context_length, kind)
