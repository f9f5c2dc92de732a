from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import Any

import pytest

from runtime.plain_json import json_text, to_plain


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": math.nan, 1: (2, [math.inf, -math.inf])}, {"a": None, "1": [2, [None, None]]}),
        (MappingProxyType({"deep": ({"x": 0.5},)}), {"deep": [{"x": 0.5}]}),
        ("grün", "grün"),
        ({"cl\udce9": "\ud83d"}, {"cl\\udce9": "\\ud83d"}),
        (True, True),
        (None, None),
    ],
)
def test_what_json_has_no_word_for(value: Any, plain: Any) -> None:
    assert to_plain(value) == plain
    text = json_text(value)
    assert text.endswith("\n") and json.loads(text.encode("utf-8")) == plain
