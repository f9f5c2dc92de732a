"""The true ViT-B/16 architecture from a local weights file (random weights: none is downloaded)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
open_clip = pytest.importorskip("open_clip")

from export.cli import main  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenAI's key names and activation, random values."""
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None)
    path = tmp_path_factory.mktemp("weights") / "openai-vit-b-16.pt"
    torch.save(model.state_dict(), path)
    return path


@pytest.mark.slow
def test_vit_b_16_at_16_by_9(weights: Path, pictures: Path, words: Path, tmp_path: Path) -> None:
    out = tmp_path / "vit"
    flags = [
        "--training-free", "--clip", "ViT-B-16", "--pretrained", str(weights), "--out", str(out),
        "--size", "256x144", "--precision", "fp32,int8", "--gate", "cosine", "--frames", "1",
        "--calibration", str(pictures), "--vocabulary", str(words), "--token-table", "fp16",
    ]  # fmt: skip
    assert main(flags) == 0
    manifest = load_bundle(out).manifest
    assert manifest.clip.pretrained == "file:openai-vit-b-16.pt"
    assert manifest.clip.dense == "clearclip"
    assert manifest.trained_words is None
    assert manifest.text.context_length == 77
    assert manifest.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)
    assert min(stage["least"] for stage in manifest.parity["stages"].values()) > 0.9999
    graph = onnx.load(str(out / "segmenter.onnx")).graph
    kinds = Counter(node.op_type for node in graph.node)
    # QuickGELU, not GELU, in all blocks but the last, whose MLP clearclip leaves out.
    assert kinds["Sigmoid"] == 11
    assert kinds["Gelu"] == kinds["Erf"] == 0
    assert kinds["Softmax"] == 12 + manifest.units["rounds"]
    small = out.with_name("vit-int8")
    assert load_bundle(small).manifest.parity["stages"]["encoder"]["mean"] > 0.99
    for name, share in (("segmenter.onnx", 0.35), ("text_encoder.onnx", 0.5)):
        assert (small / name).stat().st_size < share * (out / name).stat().st_size
