"""The captions in a text or JSON file beside a picture."""

from __future__ import annotations

import codecs
import json
from typing import Any

ENDINGS = ("txt", "text", "caption", "captions", "json")
"""Endings of caption files, the preferred first."""
FIELDS = (
    "caption", "captions", "text", "texts", "txt", "alt", "alt_text", "sentence", "sentences",
    "raw", "description", "title", "annotations",
)  # fmt: skip
"""Fields of a JSON object that may hold its captions, the preferred first."""

UNREADABLE = "captions that cannot be read"
EMPTY = "captions without a word"


class NoCaptionError(ValueError):
    """A file has no caption to give; the text is the kind that it is counted under."""


def read_captions(ending: str, content: bytes) -> list[str]:
    """The captions of a file, each once.

    A text is one caption, whatever its line breaks, unless it is a JSON list of strings. JSON may
    be a string, a list, or an object with one of :data:`FIELDS`, which again may be any of these.

    Args:
        ending: ``json``, or one of the others of :data:`ENDINGS`.
        content: of the file.

    Raises:
        NoCaptionError: there is none.
    """
    try:
        text = _decode(content)
        found = _collect(json.loads(text)) if ending == "json" else _read_text(text)
    except (ValueError, RecursionError):
        raise NoCaptionError(UNREADABLE) from None
    captions = list(dict.fromkeys(" ".join(caption.split()) for caption in found))
    captions = [caption for caption in captions if caption]
    if not captions:
        raise NoCaptionError(EMPTY)
    return captions


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _read_text(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except ValueError:
            return [text]  # "[photo] a red car" is a caption
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            return values
    return [text]


def _collect(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [caption for one in value for caption in _collect(one)]
    if isinstance(value, dict):
        fields = {str(name).lower(): inner for name, inner in value.items()}
        for name in FIELDS:
            captions = _collect(fields.get(name))
            if any(caption.strip() for caption in captions):
                return captions
    return []
