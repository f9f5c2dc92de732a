"""Parts of tiny bundles: a model that knows colors, and a text side beside it.

The graph averages the frame over a grid of 2 x 2 pixels, takes each cell's RGB (around grey) as its
embedding and meets it with the text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.text.tokenizer import END_TOKEN, START_TOKEN, byte_symbols

__all__ = ["clip_tokenizer", "color_segmenter", "mean_token_encoder", "tokenizer_file"]


def color_segmenter(grid_wh: tuple[int, int], units: int) -> bytes:
    """A segmenter's graph for frames of twice the grid's size.

    Args:
        grid_wh: cells.
        units: rows of ``unit_scores``, at most 3; every pixel is of the first.
    """
    from onnx import TensorProto, helper, numpy_helper

    across, down = grid_wh
    constants = {
        "grey": np.array(127.5, np.float32),
        "tiny": np.array(1e-6, np.float32),
        "flat": np.array([1, 3, across * down], np.int64),
        "back": np.array([1, -1, down, across], np.int64),
        "channel": np.array([1], np.int64),
        "unit_map": np.zeros((1, down, across), np.int32),
        "unit_embeddings": np.eye(3, dtype=np.float32)[:units],
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
        value("frame", TensorProto.UINT8, [1, 2 * down, 2 * across, 3]),
        value("text", real, ["K", 3]),
    ]
    outputs = [
        value("class_scores", real, [1, "K", down, across]),
        value("unit_of_pixel", TensorProto.INT32, [1, down, across]),
        value("unit_scores", real, [units, "K"]),
        value("pixel_scores", real, [1, "K", down, across]),
    ]
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    return _model(helper.make_graph(nodes, "colors", inputs, outputs, stored))


def mean_token_encoder(rows: int) -> bytes:
    """A text encoder's graph: the mean over the tokens of (id mod 7 + 1, id mod 5 + 1, 1).

    Args:
        rows: how many token ids there are.
    """
    from onnx import TensorProto, helper, numpy_helper

    ids = np.arange(rows)
    table = np.stack([ids % 7 + 1, ids % 5 + 1, np.ones(rows)], axis=1).astype(np.float32)
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


def clip_tokenizer(merges: Sequence[tuple[str, str]]) -> bytes:
    """The smallest tokenizer of CLIP's kind: 512 byte symbols, some merges, two special tokens."""
    letters = sorted(byte_symbols(), key=lambda symbol: (ord(symbol) >= 256, ord(symbol)))
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
    return tokenizer_file(model, {})


def tokenizer_file(model: dict[str, Any], parts: dict[str, Any]) -> bytes:
    """A tokenizer.json of a model and the parts that are not empty."""
    names = ("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    empty = dict.fromkeys(names)
    record = {"version": "1.0", "added_tokens": [], **empty, **parts, "model": model}
    return json.dumps(record).encode()


def _model(graph: Any) -> bytes:
    from onnx import checker, helper

    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9, producer_name="mgca")
    checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized
