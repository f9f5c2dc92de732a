"""A sentence encoder's own tokenizer, run as its ``tokenizer.json`` says.

The file is that of the encoder as Hugging Face publishes it: a ``tokenizers`` pipeline with the
normaliser, the pre-tokenizer and the special tokens, WordPiece in BERT's. So the ids are those that
the encoder was trained with.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.errors import BundleError
from runtime.text.tokenizer_file import read_tokenizer

if TYPE_CHECKING:
    import numpy as np

_PADDING = ("[PAD]", "<pad>")
_REMEDY = "export the bundle again with python -m export"

__all__ = ["SentenceTokenizer"]


class SentenceTokenizer:
    """Text to token ids, with the special tokens; ``context_length`` counts these too.

    Attributes:
        says_padding: the file says which token pads; else it is one of the usual names.
    """

    says_padding = False

    def __init__(
        self, path: str | os.PathLike[str], context_length: int = 64, kind: str = "wordpiece"
    ) -> None:
        self.context_length = context_length
        self._pipeline = read_tokenizer(path, keeps_padding=self.says_padding)
        found = type(self._pipeline.model).__name__
        ids = [self._pipeline.token_to_id(token) for token in _PADDING]
        if self.says_padding:
            ids = [(self._pipeline.padding or {}).get("pad_id"), None]
        if found.lower() != kind:
            raise BundleError(
                f"{os.fspath(path)} holds a {found} model, expected {kind} as the manifest says; "
                f"{_REMEDY}"
            )
        if ids == [None, None]:
            raise BundleError(
                f"{os.fspath(path)} has no token to pad with, expected {' or '.join(_PADDING)}; "
                f"{_REMEDY}"
            )
        around = self._pipeline.num_special_tokens_to_add(False)
        if around >= context_length:
            raise BundleError(
                f"{os.fspath(path)} puts {around} tokens around a text, expected fewer than the "
                f"{context_length} that a text may have; {_REMEDY}"
            )
        self.pad_id: int = next(number for number in ids if number is not None)
        self._pipeline.no_truncation()
        self._pipeline.no_padding()

    @staticmethod
    def clean(text: str) -> str:
        """A text as the pipeline is given it: the file's own normaliser does the rest."""
        return text

    def count(self, text: str) -> int:
        """How many tokens a text takes, the special ones included, however many fit."""
        return len(self._pipeline.encode(self.clean(text)).ids)

    def is_word(self, word: str) -> bool:
        """Whether a word is a token of its own, as the frequent ones of a language are."""
        return len(self._pipeline.encode(self.clean(word), add_special_tokens=False).ids) == 1

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Token ids int64 (n, context_length): special tokens around the text, then padding.

        >>> SentenceTokenizer("tokenizer.json", 6)(["a dog"])         # doctest: +SKIP
        array([[ 101, 1037, 3899,  102,    0,    0]])
        """
        import numpy as np

        tokens = np.full((len(texts), self.context_length), self.pad_id, dtype=np.int64)
        cleaned = [self.clean(text) for text in texts]
        self._pipeline.enable_truncation(self.context_length)
        try:
            for row, encoding in enumerate(self._pipeline.encode_batch(cleaned)):
                tokens[row, : len(encoding.ids)] = encoding.ids
        finally:
            self._pipeline.no_truncation()
        return tokens
