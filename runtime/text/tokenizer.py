"""CLIP's tokenizer without open_clip, identical to ``open_clip.tokenize`` token by token.

A sentence encoder's own is in :mod:`runtime.text.sentence_tokenizer`. What CLIP's
``tokenizer.json`` must contain (``export`` writes it): a Hugging Face ``tokenizers`` file
whose model is ``BPE`` with

- ``vocab``: open_clip's own ids: the symbols of the printable bytes (33-126, 161-172, 174-255),
  those of the other bytes, the same 256 with ``</w>``, one entry a merge, then
  ``<start_of_text>`` and ``<end_of_text>`` (49,408 entries for CLIP's merges);
- ``merges``: lines ``[1:48895]`` of open_clip's ``bpe_simple_vocab_16e6.txt``, in order, each as
  one text "a b" (``tokenizers`` before 0.20 does not read pairs);
- ``end_of_word_suffix`` ``</w>``, no unknown token, no dropout, ``fuse_unk`` and
  ``byte_fallback`` false.

Its normaliser, pre-tokenizer and post-processor are not used (leave them null): cleaning and
splitting are done here in Python, because a pure ``tokenizers`` pipeline differs from open_clip on
some strings whatever its normaliser.
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from runtime.errors import BundleError
from runtime.text.tokenizer_file import read_tokenizer

if TYPE_CHECKING:
    import numpy as np

START_TOKEN = "<start_of_text>"
END_TOKEN = "<end_of_text>"
SPLIT_PATTERN = (
    START_TOKEN + "|" + END_TOKEN + r"|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)

__all__ = ["END_TOKEN", "SPLIT_PATTERN", "START_TOKEN", "Tokenizer", "byte_symbols", "clean"]


def clean(text: str) -> str:
    """Text as CLIP sees it: mojibake mended, HTML entities resolved, blanks collapsed, lower case.

    >>> clean("  Tom &amp;amp; JERRY ")
    'tom & jerry'
    """
    import ftfy

    text = ftfy.fix_text(text)
    text = html.unescape(html.unescape(text))
    return " ".join(text.split()).lower()


@lru_cache(maxsize=1)
def byte_symbols() -> tuple[str, ...]:
    """A printable character for each of the 256 byte values, as CLIP's merges are written in."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


class Tokenizer:
    """Text to token ids; ``context_length`` counts the start and end tokens, ``pad_id`` follows.

    ``path`` is the ``tokenizer.json`` described above; :class:`BundleError` if it is not one.
    """

    def __init__(self, path: str | os.PathLike[str], context_length: int = 77) -> None:
        self.context_length = context_length
        self.pad_id = 0
        self._model = _read_model(path)
        self._special_ids = {
            token: self._model.token_to_id(token) for token in (START_TOKEN, END_TOKEN)
        }
        missing = [token for token, number in self._special_ids.items() if number is None]
        if missing or self._model.end_of_word_suffix != "</w>":
            what = f"no {missing[0]} in its vocabulary" if missing else "no </w> suffix"
            raise BundleError(
                f"{os.fspath(path)} is not CLIP's tokenizer ({what}); "
                "export the bundle again with python -m export"
            )
        self._ids_of_word = lru_cache(maxsize=65536)(self._encode_word)

    @cached_property
    def _pattern(self) -> Any:
        import regex

        return regex.compile(SPLIT_PATTERN, regex.IGNORECASE)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without start, end or padding, however many there are."""
        words = self._pattern.findall(clean(text))
        return [number for word in words for number in self._ids_of_word(word)]

    def count(self, text: str) -> int:
        """How many tokens a text takes, start and end included, however many fit."""
        return len(self.encode(text)) + 2

    def is_word(self, word: str) -> bool:
        """Whether a word is a token of its own, as the frequent ones of a language are."""
        return len(self.encode(word)) == 1

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Token ids int64 (n, context_length): start, text, end, zeros; longer texts are cut.

        >>> Tokenizer("tokenizer.json", 6)(["a dog"])                 # doctest: +SKIP
        array([[49406,   320,  1929, 49407,     0,     0]])
        """
        import numpy as np

        start, end = self._special_ids[START_TOKEN], self._special_ids[END_TOKEN]
        tokens = np.zeros((len(texts), self.context_length), dtype=np.int64)
        for row, text in enumerate(texts):
            numbers = [start, *self.encode(text)[: self.context_length - 2], end]
            tokens[row, : len(numbers)] = numbers
        return tokens

    def _encode_word(self, word: str) -> tuple[int, ...]:
        special = self._special_ids.get(word)
        if special is not None:
            return (special,)
        symbols = byte_symbols()
        spelled = "".join(symbols[byte] for byte in word.encode("utf-8"))
        return tuple(token.id for token in self._model.tokenize(spelled))


def _read_model(path: str | os.PathLike[str]) -> Any:
    import tokenizers

    model = read_tokenizer(path, model_only=True).model
    if not isinstance(model, tokenizers.models.BPE):
        raise BundleError(
            f"{os.fspath(path)} holds a {type(model).__name__} model, expected BPE; "
            "export the bundle again with python -m export"
        )
    return model
