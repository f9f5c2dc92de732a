"""A tokenizer of letters, of the kind that SigLIP's towers have: for random weights, whose real one
lies on a hub.
"""

from __future__ import annotations

import json
from pathlib import Path

# Pieces as T5's files have them: padding, end, unknown, then text; "▁" begins a word.
_PIECES = (
    *("<pad>", "</s>", "<unk>", "▁a", "▁photo", "▁of", "▁the", "▁", "s", "ky", "r"),
    *("oad", "c", "ar", "tr", "ee", *"abdefghijklmnopqtuvwxyz"),
)


def write_tokenizer(path: Path) -> None:
    """Write a ``tokenizer.json`` of 39 pieces, its end token behind every text."""
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    record = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": piece, "special": True, **flags}
            for number, piece in enumerate(_PIECES[:3])
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "always",
            "split": True,
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, end],
            "pair": [first, second],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
        },
        "decoder": None,
        "model": {
            "type": "Unigram",
            "unk_id": 2,
            "byte_fallback": False,
            "vocab": [[piece, -float(i % 7) - 1.0] for i, piece in enumerate(_PIECES)],
        },
    }
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
