"""JSON that every reader takes: NaN and infinity, for which JSON has no word, become null."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["json_text", "to_plain"]


def json_text(record: Any) -> str:
    """``record`` as indented JSON with a line end; keys become text, tuples become lists."""
    return json.dumps(to_plain(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_plain(value: Any) -> Any:
    """The same value with None for every float that is not finite, at any depth."""
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
