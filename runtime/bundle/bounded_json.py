"""JSON from strangers: read only if it is not nested deeply and its numbers are numbers.

Python's own reader stops at the interpreter's depth, but what is done with the values afterwards
(copying, writing) needs more of it than reading did; and it makes whole numbers of any length.
"""

from __future__ import annotations

import json
import re
from typing import Any

from runtime.bundle.limits import JSON_DEPTH, JSON_DIGITS

# What a terminal obeys, or UTF-8 cannot hold.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

__all__ = ["is_plain_text", "read_json"]

# A text, or a bracket outside of texts.
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def read_json(text: str | bytes) -> Any:
    """The value; raises ValueError for what is no JSON, nested too deep, or too long a number."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    depth = 0
    for found in _TOKENS.finditer(text):
        first = found[0]
        depth += (first in "[{") - (first in "]}") if len(first) == 1 else 0
        if depth > JSON_DEPTH:
            raise ValueError(f"nested more than {JSON_DEPTH} deep")
    try:
        return json.loads(text, parse_int=_read_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _read_integer(digits: str) -> int:
    if len(digits) > JSON_DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def is_plain_text(value: object) -> bool:
    """Whether a value is a text without control characters, which logs and terminals would obey."""
    return isinstance(value, str) and not _CONTROLS.search(value)
