"""A real bundle of a few kilobytes whose model knows colors, so that masks can be foretold.

Its graph averages the frame over a grid, takes each cell's RGB (around grey) as its embedding and
meets it with the text. The "text embedding" of a name is its color. Everything else, from the
manifest to ONNX Runtime, is what a trained bundle has.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.hostile_bundles.color_parts import color_segmenter
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
        {
            "segmenter.onnx": color_segmenter(GRID_WH, UNITS),
            "vocabulary.safetensors": scratch.read_bytes(),
        },
    )
    return folder
