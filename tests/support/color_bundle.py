"""A real bundle of a few kilobytes whose model knows colors, so that masks can be foretold.

Its graph averages the frame over a grid, takes each cell's RGB (around grey) as its embedding and
meets it with the text. The "text embedding" of a name is its color. Everything else, from the
manifest to ONNX Runtime, is what a trained bundle has.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runtime.bundle import (
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

SIZE_WH = (64, 48)
GRID_WH = (32, 24)
UNITS = 2
PROMPTS = ("a {}.",)
COLORS_BGR = {
    "car": (0, 0, 255),
    "tree": (0, 255, 0),
    "sky": (255, 0, 0),
    "road": (0, 0, 0),
    "snow": (255, 255, 255),
    "sand": (0, 255, 255),
}


def build_color_bundle(folder: Path) -> Path:
    """Write the bundle and give its folder."""
    names = tuple(COLORS_BGR)
    rows = np.array([COLORS_BGR[name][::-1] for name in names], np.float32) / 127.5 - 1.0
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    scratch = folder.with_name(folder.name + "-vocabulary.safetensors")
    sha = "0" * 64
    write_vocabulary(
        scratch,
        Vocabulary(names, rows, np.zeros(3, np.float32), templates_sha256(PROMPTS), sha),
    )
    manifest = Manifest(
        model_id="colors",
        clip=ClipInfo("none", "none", "none"),
        embedding_width=3,
        input=InputInfo(SIZE_WH, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        output=OutputInfo(GRID_WH, UNITS),
        logit_scale=20.0,
        templates=TemplateSet("plain", PROMPTS),
        text=TextInfo(16, sha, True),
        trained_words=names,
        background_words=("road", "snow"),
    )
    write_bundle(
        folder,
        manifest,
        {"segmenter.onnx": _build_graph(), "vocabulary.safetensors": scratch.read_bytes()},
    )
    return folder


def _build_graph() -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    (width, height), (grid_width, grid_height) = SIZE_WH, GRID_WH
    constants = {
        "grey": np.float32(127.5),
        "tiny": np.float32(1e-6),
        "flat": np.array([1, 3, grid_width * grid_height], np.int64),
        "back": np.array([1, -1, grid_height, grid_width], np.int64),
        "channel": np.array([1], np.int64),
        "unit_of_pixel_value": np.zeros((1, grid_height, grid_width), np.int32),
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
        node("Identity", ["unit_of_pixel_value"], ["unit_of_pixel"]),
        node("Transpose", ["text"], ["text_columns"], perm=[1, 0]),
        node("MatMul", ["unit_embeddings", "text_columns"], ["unit_scores"]),
    ]
    value = helper.make_tensor_value_info
    grid = [grid_height, grid_width]
    graph = helper.make_graph(
        nodes,
        "colors",
        [
            value("frame", TensorProto.UINT8, [1, height, width, 3]),
            value("text", TensorProto.FLOAT, ["K", 3]),
        ],
        [
            value("class_scores", TensorProto.FLOAT, [1, "K", *grid]),
            value("unit_of_pixel", TensorProto.INT32, [1, *grid]),
            value("unit_scores", TensorProto.FLOAT, [UNITS, "K"]),
            value("pixel_scores", TensorProto.FLOAT, [1, "K", *grid]),
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="mgca-tests"
    )
    checker.check_model(model)
    return model.SerializeToString()
