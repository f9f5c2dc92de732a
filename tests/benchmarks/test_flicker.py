"""A clip taken both ways: on flat colors, by hand; and the shipped bundle on a real moving one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.datasets.demo_clip import demo_clip_set
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.flicker import build_parser, format_record, main, run_clip
from benchmarks.scoring.bundle_under_test import BundleUnderTest
from runtime.bundle import Bundle
from tests.support.pictures import BLUE, RED, picture


def test_both_ways_on_flat_colors(bundle: Bundle) -> None:
    halves = np.repeat(np.array([0, 1], np.uint8), 40)[None].repeat(60, axis=0)
    shown = [(picture(RED, BLUE), halves)] * 3 + [(picture(BLUE, RED), 1 - halves)] * 2
    frames = [EvaluationFrame(str(index), *one) for index, one in enumerate(shown)]
    clip = EvaluationSet("flat", ("red", "blue"), len(frames), lambda: iter(frames))
    arguments = build_parser().parse_args(["--background", "none", "--classes", "red"])
    figures = run_clip(
        BundleUnderTest(bundle.path, "onnxruntime-cpu", 1), clip, ["red", "blue"], arguments
    )
    # Sharp, still pictures, and a cut: smoothing has nothing to do.
    assert figures["flicker"] == figures["flicker_of_few"] == {"off": 0.0, "on": 0.0}
    assert figures["miou"] == {"off": 1.0, "on": 1.0}
    for way in ("truth", "off", "on"):
        assert figures["jumps"]["red"][way]["share"] == 0.0
    text = format_record(
        {"dataset": "flat", "frames": 5, "settings": {"smooth_s": 0.35}, **figures}
    )
    assert "mIoU" in text and "red, all pairs" in text


def test_scenes_are_no_clip(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dataset", "streetworld"]) == 2
    assert "is no clip; give one, such as demo-clip" in capsys.readouterr().err


@pytest.mark.slow
def test_the_shipped_bundle_flickers_half_as_much() -> None:
    whole = demo_clip_set(seed=2)
    frames = [frame for frame, _ in zip(whole.open(), range(30), strict=False)]
    clip = EvaluationSet("part", whole.words, len(frames), lambda: iter(frames))
    arguments = build_parser().parse_args([])
    figures = run_clip(
        BundleUnderTest(None, "onnxruntime-cpu", None), clip, ["person", "car"], arguments
    )
    assert figures["flicker"]["on"] <= 0.55 * figures["flicker"]["off"]
    assert figures["miou"]["on"] >= figures["miou"]["off"] - 0.003
