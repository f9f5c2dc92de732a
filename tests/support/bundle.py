"""A whole bundle made by hand, small enough to be worked out on paper, run by real ONNX Runtime.

Frames are 8 x 6, the grid 4 x 3, embeddings are RGB colors (D = 3). A grid pixel's embedding is
the normalised mean color of its 2 x 2 pixels. There are two units, "red" and "blue": a pixel
belongs to the nearer one. The text encoder gives each token a fixed direction and takes the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.hostile_bundles.color_parts import clip_tokenizer, mean_token_encoder
from runtime.bundle import (
    Bundle,
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

NAMES = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "yellow": (0.6, 0.8, 0.0),
    "crimson": (0.98, 0.199, 0.0),
    "dark red": (0.9, 0.436, 0.0),
}
PROMPTS = ("a {}.", "the {}.")
ENCODER_SHA256 = "e" * 64
CONTEXT_LENGTH = 16


@cache
def segmenter_onnx(width: int = 3, dtype: str = "FLOAT", drop_output: str | None = None) -> bytes:
    """The graph described above; ``drop_output`` leaves one of its outputs out."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    text_type = getattr(types, dtype)
    unit_rows = np.eye(3, width, dtype=np.float32)[[0, 2]]
    nodes = [
        helper.make_node("Cast", ["frame"], ["float_frame"], to=types.FLOAT),
        helper.make_node("Transpose", ["float_frame"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Reshape", ["pooled", "flat_shape"], ["flat"]),
        helper.make_node("LpNormalization", ["flat"], ["pixels"], axis=0, p=2),
        helper.make_node("Cast", ["text"], ["rows"], to=types.FLOAT),
        helper.make_node("MatMul", ["rows", "pixels"], ["flat_pixel_scores"]),
        helper.make_node("Reshape", ["flat_pixel_scores", "grid_shape"], ["pixel_scores"]),
        helper.make_node("MatMul", ["unit_rows", "pixels"], ["flat_affinity"]),
        helper.make_node("ArgMax", ["flat_affinity"], ["flat_unit"], axis=0, keepdims=0),
        helper.make_node("Cast", ["flat_unit"], ["flat_unit32"], to=types.INT32),
        helper.make_node("Reshape", ["flat_unit32", "unit_shape"], ["unit_of_pixel"]),
        helper.make_node("Transpose", ["rows"], ["columns"], perm=[1, 0]),
        helper.make_node("MatMul", ["unit_rows", "columns"], ["unit_scores"]),
        helper.make_node("Gather", ["unit_scores", "flat_unit"], ["by_pixel"], axis=0),
        helper.make_node("Transpose", ["by_pixel"], ["flat_class_scores"], perm=[1, 0]),
        helper.make_node("Reshape", ["flat_class_scores", "grid_shape"], ["class_scores"]),
    ]
    constants = {
        "flat_shape": np.array([3, 12], np.int64),
        "grid_shape": np.array([1, -1, 3, 4], np.int64),
        "unit_shape": np.array([1, 3, 4], np.int64),
        "unit_rows": unit_rows,
    }
    outputs = [
        helper.make_tensor_value_info("class_scores", types.FLOAT, [1, "K", 3, 4]),
        helper.make_tensor_value_info("unit_of_pixel", types.INT32, [1, 3, 4]),
        helper.make_tensor_value_info("unit_scores", types.FLOAT, [2, "K"]),
        helper.make_tensor_value_info("pixel_scores", types.FLOAT, [1, "K", 3, 4]),
    ]
    graph = helper.make_graph(
        nodes,
        "segmenter",
        [
            helper.make_tensor_value_info("frame", types.UINT8, [1, 6, 8, 3]),
            helper.make_tensor_value_info("text", text_type, ["K", width]),
        ],
        [output for output in outputs if output.name != drop_output],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return _model(graph)


@cache
def text_encoder_onnx() -> bytes:
    """Embedding of a prompt: the mean over its tokens of (id mod 7 + 1, id mod 5 + 1, 1)."""
    pytest.importorskip("onnx")
    return mean_token_encoder(4096)


def _model(graph: Any) -> bytes:
    import onnx

    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@cache
def tokenizer_json() -> bytes:
    """A tokenizer of CLIP's kind that knows "car"."""
    return clip_tokenizer([("c", "a"), ("ca", "r</w>")])


def color_manifest() -> Manifest:
    """What the bundle says about itself; ``files`` is filled in by the writer."""
    return Manifest(
        model_id="colors",
        clip=ClipInfo("mgca-tiny", "none", "maskclip"),
        embedding_width=3,
        input=InputInfo((8, 6), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        output=OutputInfo((4, 3), 2),
        logit_scale=10.0,
        templates=TemplateSet("two", PROMPTS),
        text=TextInfo(CONTEXT_LENGTH, ENCODER_SHA256, True),
        trained_words=("red", "green", "blue", "bus", "traffic light"),
        background_words=("green", "blue", "crimson", "dark red"),
        units={"seeds": 2},
        created_by={"mgca": "0.1.0"},
    )


def color_vocabulary() -> Vocabulary:
    """The names above with their colors as embeddings, no centre taken off."""
    rows = np.array(list(NAMES.values()), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    center = np.zeros(3, dtype=np.float32)
    return Vocabulary(tuple(NAMES), rows, center, templates_sha256(PROMPTS), ENCODER_SHA256)


def write_hand_made_bundle(
    folder: Path,
    files: Mapping[str, bytes | None] | None = None,
    words: Vocabulary | None = None,
    **fields: Any,
) -> Bundle:
    """Write the bundle described above.

    Args:
        folder: where; its parent must exist.
        files: other content by file name; None leaves a file out.
        words: another vocabulary.
        fields: other fields of the manifest.
    """
    table = folder.with_name(f"{folder.name}.vocabulary")
    write_vocabulary(table, words or color_vocabulary())
    content: dict[str, bytes | None] = {
        "segmenter.onnx": segmenter_onnx(),
        "vocabulary.safetensors": table.read_bytes(),
        "text_encoder.onnx": text_encoder_onnx(),
        "tokenizer.json": tokenizer_json(),
        **(files or {}),
    }
    kept = {name: data for name, data in content.items() if data is not None}
    return write_bundle(folder, replace(color_manifest(), **fields), kept)
