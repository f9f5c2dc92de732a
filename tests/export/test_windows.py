"""A graph that sees a large frame in windows, and names in templates of the user's choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from export.cli import main  # noqa: E402
from runtime.bundle import load_bundle  # noqa: E402
from runtime.segment.segmenter import Segmenter  # noqa: E402


@pytest.mark.slow
def test_the_graphs_scores_are_the_mean_of_its_windows(
    arguments: list[str], bundle: Path, tmp_path: Path
) -> None:
    """The shared bundle takes 96 x 64; one frame of 160 x 64 is two of its windows."""
    out = tmp_path / "out"
    flags = ["--size", "160x64", "--crop", "96x64", "--stride", "64", "--templates", "tcl"]
    flags += ["--precision", "fp32,int8"]
    assert main([*arguments, *flags, "--out", str(out)]) == 0
    manifest = load_bundle(out).manifest
    assert manifest.created_by["windows"] == {"crop_wh": [96, 64], "stride": 64, "count": 2}
    assert (manifest.templates.name, manifest.templates.mean_first) == ("tcl", True)
    assert load_bundle(out).vocabulary().find("car") is not None  # read by its templates' hash

    frame = np.random.default_rng(0).integers(0, 255, (64, 160, 3), np.uint8)
    whole = _pixel_scores(out, frame)
    left, right = (_pixel_scores(bundle, frame[:, at : at + 96]) for at in (0, 64))
    assert left.shape == (3, 32, 48)
    total, count = np.zeros((3, 32, 80)), np.zeros(80)
    for at, scores in ((0, left), (32, right)):
        total[:, :, at : at + 48] += scores
        count[at : at + 48] += 1
    np.testing.assert_allclose(whole, total / count, atol=1e-4)
    assert np.abs(left[:, :, 32:] - right[:, :, :16]).max() > 1e-2  # they do see other things


def _pixel_scores(path: Path, frame_bgr: np.ndarray) -> np.ndarray:
    """Scores on the grid against the first three axes of the embeddings."""
    with Segmenter.load(path, "onnxruntime-cpu", threads=1) as segmenter:
        queries = segmenter.set_classes("sky,road,tree", background="none", allow_unknown=True)
        axes = np.eye(3, segmenter.manifest.embedding_width, dtype=np.float32)
        segmenter.classes = replace(queries, text=axes)
        frame_bgr = np.ascontiguousarray(frame_bgr)
        raw = segmenter.infer(segmenter.preprocess(frame_bgr), "pixel")
        return np.asarray(raw.pixel_scores)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--stride", "32"], "--stride would do nothing: the frame is seen as a whole"),
        (["--crop", "44x64"], "multiples of 8"),
        (["--crop", "112x64"], "--crop 112x64 is larger than the frame, 96x64"),
        (["--crop", "64x64", "--stride", "80"], "--stride 80 leaves gaps; expected at most 64"),
        (["--templates", "imagnet"], "neither a set nor a file"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], tmp_path: Path, flags: list[str], says: str, capsys
) -> None:
    assert main([*arguments, *flags, "--out", str(tmp_path / "out")]) == 2
    assert says in capsys.readouterr().err.strip().splitlines()[-1]
