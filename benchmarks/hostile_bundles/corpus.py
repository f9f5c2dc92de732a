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
from runtime.text.tokenizer import END_TOKEN, START_TOKEN, byte_symbols

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
    _write_tiny(tiny, None, _clip_tokenizer())
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
    _write_tiny(folder, None, _clip_tokenizer())
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
        SEGMENTER_FILE: _segmenter(),
        VOCABULARY_FILE: table.read_bytes(),
        TEXT_ENCODER_FILE: _text_encoder(),
        TOKENIZER_FILE: tokenizer,
    }
    write_bundle(folder, manifest, content)


def _segmenter() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    (width, height), (across, down) = SIZE_WH, GRID_WH
    constants = {
        "grey": np.array(127.5, np.float32),
        "tiny": np.array(1e-6, np.float32),
        "flat": np.array([1, 3, across * down], np.int64),
        "back": np.array([1, -1, down, across], np.int64),
        "channel": np.array([1], np.int64),
        "unit_map": np.zeros((1, down, across), np.int32),
        "unit_embeddings": np.eye(3, dtype=np.float32)[:UNITS],
    }
    node = helper.make_node
    nodes = [
        node("Cast", ["frame"], ["bytes"], to=TensorProto.FLOAT),
        node("Transpose", ["bytes"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["cells"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Sub", ["cells", "grey"], ["around_grey"]),
        node("ReduceL2", ["around_grey", "channel"], ["length"], keepdims=1),
        node("Add", ["length", "tiny"], ["positive"]),
        node("Div", ["around_grey", "positive"], ["unit_length"]),
        node("Reshape", ["unit_length", "flat"], ["columns"]),
        node("MatMul", ["text", "columns"], ["cosines"]),
        node("Reshape", ["cosines", "back"], ["class_scores"]),
        node("Identity", ["class_scores"], ["pixel_scores"]),
        node("Identity", ["unit_map"], ["unit_of_pixel"]),
        node("Transpose", ["text"], ["text_columns"], perm=[1, 0]),
        node("MatMul", ["unit_embeddings", "text_columns"], ["unit_scores"]),
    ]
    value, real = helper.make_tensor_value_info, TensorProto.FLOAT
    inputs = [
        value("frame", TensorProto.UINT8, [1, height, width, 3]),
        value("text", real, ["K", 3]),
    ]
    outputs = [
        value("class_scores", real, [1, "K", down, across]),
        value("unit_of_pixel", TensorProto.INT32, [1, down, across]),
        value("unit_scores", real, [UNITS, "K"]),
        value("pixel_scores", real, [1, "K", down, across]),
    ]
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    return _model(helper.make_graph(nodes, "colors", inputs, outputs, stored))


def _text_encoder() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    ids = np.arange(_TABLE_ROWS)
    table = np.stack([ids % 7 + 1, ids % 5 + 1, np.ones(_TABLE_ROWS)], axis=1).astype(np.float32)
    stored = {"table": table, "axes": np.array([1], np.int64)}
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "tokens"], ["rows"], axis=0),
            helper.make_node("ReduceMean", ["rows", "axes"], ["embedding"], keepdims=0),
        ],
        "text_encoder",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", "length"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    return _model(graph)


def _model(graph: Any) -> bytes:
    from onnx import helper

    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9, producer_name="mgca")
    serialized: bytes = model.SerializeToString()
    return serialized


def _clip_tokenizer() -> bytes:
    letters = byte_symbols()
    merges = [("r", "e"), ("re", "d</w>")]
    symbols = [*letters, *(letter + "</w>" for letter in letters)]
    tokens = [*symbols, *("".join(pair) for pair in merges), START_TOKEN, END_TOKEN]
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": "</w>",
        "fuse_unk": False,
        "byte_fallback": False,
        "vocab": {token: number for number, token in enumerate(tokens)},
        "merges": [" ".join(pair) for pair in merges],
    }
    return _tokenizer_file(model, {})


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
    return _tokenizer_file(model, parts)


def _tokenizer_file(model: dict[str, Any], parts: dict[str, Any]) -> bytes:
    names = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    empty = dict.fromkeys(names)
    record = {"version": "1.0", "added_tokens": [], **empty, **parts, "model": model}
    return json.dumps(record).encode()
