"""The bundles that mutants come from: two tiny ones made here, and the shipped one.

The tiny model knows colors: a grid cell's embedding is its mean color. One has CLIP's kind of
tokenizer, the other a sentence encoder's (WordPiece).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile_bundles.color_parts import (
    clip_tokenizer,
    color_segmenter,
    mean_token_encoder,
    tokenizer_file,
)
from runtime.bundle import (
    MANIFEST_FILE,
    SEGMENTER_FILE,
    TEXT_ENCODER_FILE,
    TOKENIZER_FILE,
    VOCABULARY_FILE,
    ClipInfo,
    InputInfo,
    Manifest,
    OutputInfo,
    TemplateSet,
    TextInfo,
    Vocabulary,
    templates_sha256,
    write_bundle,
    write_vocabulary,
)
from runtime.demo import DEMO_BUNDLE

SIZE_WH, GRID_WH, UNITS = (16, 12), (8, 6), 2
PROMPTS = ("a {}.", "the {}.")
COLORS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "yellow": (0.6, 0.8, 0.0),
}
_ENCODER_SHA256 = "e" * 64
_TABLE_ROWS = 1024

__all__ = ["SeedBundle", "read_corpus", "write_tiny_bundle"]


@dataclass(frozen=True)
class SeedBundle:
    """A good bundle in memory.

    Attributes:
        name: ``tiny``, ``tiny-wordpiece`` or ``shipped``.
        folder: where it lies.
        files: content by file name, the manifest's among them.
    """

    name: str
    folder: Path
    files: dict[str, bytes]

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest's record, a fresh one each time."""
        record: dict[str, Any] = json.loads(self.files[MANIFEST_FILE])
        return record


def read_corpus(folder: Path) -> Sequence[SeedBundle]:
    """Write the tiny bundles below ``folder`` (which must exist) and read all of them."""
    tiny, wordpiece = folder / "tiny", folder / "tiny-wordpiece"
    _write_tiny(tiny, None, clip_tokenizer([("r", "e"), ("re", "d</w>")]))
    _write_tiny(wordpiece, "wordpiece", _wordpiece_tokenizer())
    named = {"tiny": tiny, "tiny-wordpiece": wordpiece, "shipped": DEMO_BUNDLE}
    return [
        SeedBundle(
            name,
            place,
            {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()},
        )
        for name, place in named.items()
    ]


def write_tiny_bundle(folder: Path) -> Path:
    """Write a bundle of a few kilobytes that knows four colors; gives its folder."""
    _write_tiny(folder, None, clip_tokenizer([("r", "e"), ("re", "d</w>")]))
    return folder


def _write_tiny(folder: Path, kind: str | None, tokenizer: bytes) -> None:
    rows = np.array(list(COLORS.values()), np.float32)
    table = folder.with_suffix(".vocabulary")
    words = Vocabulary(
        tuple(COLORS), rows, np.zeros(3, np.float32), templates_sha256(PROMPTS), _ENCODER_SHA256
    )
    write_vocabulary(table, words)
    manifest = Manifest(
        model_id="colors",
        clip=ClipInfo("none", "none", "none"),
        embedding_width=3,
        input=InputInfo(SIZE_WH, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        output=OutputInfo(GRID_WH, UNITS),
        logit_scale=10.0,
        templates=TemplateSet("two", PROMPTS),
        text=TextInfo(12, _ENCODER_SHA256, True, kind),
        trained_words=tuple(COLORS) if kind is None else None,
        background_words=("green", "blue"),
        units={"seeds": 2},
    )
    content: dict[str, bytes | Path] = {
        SEGMENTER_FILE: color_segmenter(GRID_WH, UNITS),
        VOCABULARY_FILE: table.read_bytes(),
        TEXT_ENCODER_FILE: mean_token_encoder(_TABLE_ROWS),
        TOKENIZER_FILE: tokenizer,
    }
    write_bundle(folder, manifest, content)


def _wordpiece_tokenizer() -> bytes:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*special, *letters, *(f"##{one}" for one in letters), ".", "the", "red", "##low"]
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {word: number for number, word in enumerate(words)},
    }
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    added = [
        {"id": number, "content": word, "special": True, **dict.fromkeys(flags, False)}
        for number, word in enumerate(special)
    ]
    ends = ("[CLS]", 2), ("[SEP]", 3)
    first, last = ({"SpecialToken": {"id": name, "type_id": 0}} for name, _ in ends)
    single = [first, {"Sequence": {"id": "A", "type_id": 0}}, last]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}, last]
    template = {
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": {name: {"id": name, "ids": [at], "tokens": [name]} for name, at in ends},
    }
    parts = {
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    }
    return tokenizer_file(model, parts)
