"""Instances and batches: the widened encoder is the encoder, and a whole run in small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.instances import main, parse_counts, widen_batch
from runtime.backends.onnxruntime.backend import OnnxRuntimeBackend
from runtime.bundle import load_bundle
from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError


@pytest.mark.slow
def test_a_batch_gives_what_its_frames_give_alone(tmp_path: Path) -> None:
    bundle = load_bundle(DEMO_BUNDLE)
    width, height = bundle.manifest.input.size_wh
    frames = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    for batch in (1, 2):
        widen_batch(bundle, batch, tmp_path / f"{batch}.onnx")
    with OnnxRuntimeBackend(tmp_path / "2.onnx", "cpu", 1) as both:
        together = both.run({"frame": frames})
    with OnnxRuntimeBackend(tmp_path / "1.onnx", "cpu", 1) as one:
        for place in range(2):
            for name, array in one.run({"frame": frames[place : place + 1]}).items():
                np.testing.assert_allclose(together[name][place], array[0], atol=1e-3)


@pytest.mark.slow
def test_a_short_run(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    flags = ["--instances", "1,2", "--threads", "1", "--batches", "1", "--seconds", "0.1"]
    assert main([*flags, "--rounds", "1", "--json", str(path)]) == 0
    record = json.loads(path.read_text())
    assert [one["instances"] for one in record["instances"]] == [1, 2]
    assert [one["batch"] for one in record["batches"]] == [1]
    for one in (*record["instances"], *record["batches"]):
        assert one["frames_per_s"] > 0 and one["cpu_ms_per_frame"] > 0


@pytest.mark.parametrize("text", ["", "0", "1,x", "300"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match="expected numbers from 1 to 256"):
        parse_counts(text, "--batches")
