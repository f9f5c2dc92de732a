"""Both ways through a clip: what is counted, by hand on flat colors; and the shipped bundle."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.datasets.still_clip import (
    CROWD,
    SIZE_WH,
    WALKS,
    draw_still_street,
    still_clip_set,
)
from benchmarks.scoring.bundle_under_test import BundleUnderTest
from benchmarks.still import run_both
from runtime.bundle import Bundle
from tests.support.pictures import BLUE, RED, picture


def test_what_is_spared_and_what_it_costs(bundle: Bundle) -> None:
    colors = [(RED, 0)] * 3 + [(BLUE, 1)] * 2
    frames = [
        EvaluationFrame(str(index), picture(color, color), np.full((60, 80), label, np.uint8))
        for index, (color, label) in enumerate(colors)
    ]
    clip = EvaluationSet("flat", ("red", "blue"), len(frames), lambda: iter(frames))
    subject = BundleUnderTest(bundle.path, "onnxruntime-cpu", 1)
    ways = run_both(subject, clip, fps=15.0)
    assert [way.spared for way in ways.values()] == [0, 3]
    for way in ways.values():
        assert len(way.times_ms) == 5
        assert way.describe(clip.words)["miou"] == 1.0
    # A frame every second is too old by then.
    assert run_both(subject, clip, fps=1.0)["skip_still"].spared == 0


@pytest.mark.slow
def test_only_what_walks_changes_the_truth() -> None:
    before, during, after = (
        list(draw_still_street(5, walks, frames=1))[0][1] for walks in ((), CROWD, WALKS)
    )
    assert before.shape == (SIZE_WH[1], SIZE_WH[0])
    np.testing.assert_array_equal(before, after)  # at the beginning of the clip nobody is there
    share = (before != during).mean()
    assert 0 < share < 0.01


@pytest.mark.slow
def test_the_shipped_bundle_loses_little_on_a_still_street() -> None:
    clip = still_clip_set(frames=75)  # five seconds, in the last of which somebody walks
    subject = BundleUnderTest(None, "onnxruntime-cpu", None)
    every, skip = run_both(subject, clip, fps=15.0).values()
    assert every.spared == 0
    # One run a second and eight for the walker; changes of the compression take a few more.
    assert 55 <= skip.spared <= 64
    lost = every.describe(clip.words)["miou"] - skip.describe(clip.words)["miou"]
    assert lost <= 0.005
