"""SigLIP's way with texts: letters and figures alone, in small letters, always the whole context.

Its towers have no mask: what fills a text up is read as well, and the last token holds the
embedding. So the file of the tokenizer says which token that is.
"""

from __future__ import annotations

import html
import os
import string

from runtime.text.sentence_tokenizer import SentenceTokenizer

# What the manifest's kind of such a tokenizer begins with; the model's own kind follows.
CANONICAL = "canonical-"
_PUNCTUATION = str.maketrans("", "", string.punctuation)

__all__ = ["CANONICAL", "CanonicalTokenizer", "canonicalize"]


def canonicalize(text: str) -> str:
    """Text as SigLIP was trained on it (big_vision's ``canonicalize_text``).

    >>> canonicalize("  It's a Stop_Sign, (red)! ")
    'its a stop sign red'
    """
    import ftfy

    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.replace("_", " ").translate(_PUNCTUATION).lower().split())


class CanonicalTokenizer(SentenceTokenizer):
    """Text to token ids: cleaned, then as the file says, with its own token for padding."""

    says_padding = True

    def __init__(self, path: str | os.PathLike[str], context_length: int, kind: str) -> None:
        super().__init__(path, context_length, kind.removeprefix(CANONICAL))

    @staticmethod
    def clean(text: str) -> str:
        """See :func:`canonicalize`."""
        return canonicalize(text)
