"""``--refine``: colors in the place of units, through export, gate and runtime."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from benchmarks.scoring.pamr import refine_scores  # noqa: E402
from export.cli import main  # noqa: E402
from runtime import Segmenter  # noqa: E402


@pytest.mark.slow
def test_a_bundle_that_refines_by_colors(
    arguments: list[str], tmp_path: Path, pictures: Path
) -> None:
    out = tmp_path / "pamr"
    flags = [*arguments, "--no-text-encoder", "--out", str(out), "--refine", "pamr"]
    flags += ["--pamr-dilations", "1,4"]
    assert main([*flags, "--precision", "fp32,fp16", "--gate", "cosine"]) == 0
    frame = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    for folder in (out, tmp_path / "pamr-fp16"):
        with Segmenter.load(folder, "onnxruntime-cpu") as segmenter:
            assert segmenter.manifest.units == {"refine": "pamr", "rounds": 10, "dilations": [1, 4]}
            assert segmenter.manifest.output.units == 1
            segmenter.set_classes(["sky", "road", "tree"], background="none")
            prepared = segmenter.preprocess(frame)
            raw = segmenter.infer(prepared, units="both")
            expected = refine_scores(raw.pixel_scores, prepared.tensor[0], (1, 4))
            assert np.abs(np.asarray(raw.class_scores) - expected).max() < 1e-4
            result = segmenter(frame)
            assert result.labels.shape == (64, 96)
            assert not result.units.any()
    kinds = Counter(node.op_type for node in onnx.load(str(out / "segmenter.onnx")).graph.node)
    assert kinds["Gather"] >= 2 * 10  # by constants
    assert not {"Scatter", "ScatterND", "NonZero", "Loop", "If", "GatherND"} & set(kinds)


@pytest.mark.slow
def test_a_bundle_of_pixels_alone(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "none"
    flags = [*arguments, "--no-text-encoder", "--out", str(out), "--refine", "none"]
    assert main([*flags, "--gate", "cosine"]) == 0
    with Segmenter.load(out, "onnxruntime-cpu") as segmenter:
        assert segmenter.manifest.units == {"refine": "none"}
        segmenter.set_classes(["sky", "road"], background="none")
        frame = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
        raw = segmenter.infer(segmenter.preprocess(frame), units="both")
        assert np.array_equal(raw.class_scores, raw.pixel_scores)


def test_distances_need_what_they_belong_to(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "x"), "--pamr-dilations", "1,2"]) == 2
    assert "--pamr-dilations would do nothing" in capsys.readouterr().err
