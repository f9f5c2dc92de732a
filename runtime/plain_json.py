"""JSON that every reader takes.

NaN and infinity, for which JSON has no word, become null; halves of a surrogate pair, which UTF-8
cannot hold and file names may contain, become the escapes that Python writes for them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["json_text", "to_plain"]


def json_text(record: Any) -> str:
    """``record`` as indented JSON with a line end; keys become text, tuples become lists."""
    return json.dumps(to_plain(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_plain(value: Any) -> Any:
    """The same value in plain dicts, lists, texts and numbers, None for what is not finite."""
    if isinstance(value, Mapping):
        return {_plain_text(str(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _plain_text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
