"""Methods of dense features through export, gate and runtime; those with outliers in every
precision.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from export.cli import main  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from tests.support import deep_clip  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deep")
    deep_clip.register(folder)
    path = folder / "deep.pt"
    torch.save(deep_clip.build().state_dict(), path)
    return path


# Beside those of eleven blocks, in what the last block is made of: softmaxes, TopKs.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "precisions", "softmaxes", "topks"),
    [
        ("sclip", "fp32", 2, 0),
        ("naclip", "fp32", 1, 0),
        (None, "fp32,fp16,int8", 2, 2),
        ("sfp", "fp32,fp16,int8", 2, 1),
    ],
)
def test_precisions_pass_the_gate(
    weights: Path,
    pictures: Path,
    words: Path,
    tmp_path: Path,
    mode: str | None,
    precisions: str,
    softmaxes: int,
    topks: int,
) -> None:
    out = tmp_path / "out"
    flags = ["--training-free", "--clip", deep_clip.NAME, "--pretrained", str(weights)]
    flags += ["--activation", "quickgelu", "--gate", "cosine", "--size", "104x64", "--frames", "2"]
    flags += ["--calibration", str(pictures), "--vocabulary", str(words), "--no-text-encoder"]
    flags += ["--position-resize", "scale-factor", "--precision", precisions]
    flags += ["--out", str(out), *([] if mode is None else ["--dense", mode])]
    assert main(flags) == 0
    manifest = load_bundle(out).manifest
    assert manifest.clip.dense == (mode or "sc-clip")
    assert manifest.clip.position_resize == "scale-factor"
    assert manifest.parity["stages"]["encoder"]["least"] > 0.9999
    kinds = Counter(node.op_type for node in onnx.load(str(out / "segmenter.onnx")).graph.node)
    assert kinds["Softmax"] == 11 + softmaxes + manifest.units["rounds"]
    assert kinds["TopK"] == topks
    by_data = {"Scatter", "ScatterND", "ScatterElements", "NonZero", "Loop", "If", "GatherND"}
    assert not by_data & set(kinds)
