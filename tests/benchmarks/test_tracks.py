"""Whether objects keep their numbers: counted by hand, and on the shipped clip's truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets.street_actors import MOVERS, street_actors
from benchmarks.scoring.identity import LEAST_FRAMES, Identities
from benchmarks.tracks import follow, main
from runtime.objects.things import find_things
from runtime.objects.tracker import TrackedObject
from training.data.streetworld import CLASS_NAMES, moving_scene


def test_what_counts_and_what_is_right() -> None:
    labels = np.full((40, 60), 255, np.uint8)
    labels[5:15, 5:15] = labels[5:15, 30:40] = 0
    actors = np.zeros((40, 60), np.uint8)
    actors[5:15, 5:15], actors[5:15, 30:40] = 1, 2
    outlines = np.zeros(256, np.int64)
    outlines[1], outlines[2] = 100, 200  # of the second only half is seen
    left, right = sorted(find_things(labels, ("car",)), key=lambda one: one.box_xywh)
    identities = Identities()
    for number in (7, 7, 7, 7, 7, 7, 8, 8):
        objects = [
            TrackedObject(number, left, (left,), 0.0),
            TrackedObject(9, right, (right,), 0.0),
        ]
        identities.add(objects, labels, {"car": 0}, actors, outlines)
    assert identities.describe() == {"things": 1, "frames": LEAST_FRAMES, "right": 6}


def test_the_truth_is_that_of_the_moving_scene() -> None:
    scenes = moving_scene(1, frames=2, fps=15)
    for scene, frame in zip(scenes, street_actors(1, 2), strict=True):
        assert np.array_equal(scene.labels_hw, frame.labels_hw)
        movers = np.isin(frame.labels_hw, [CLASS_NAMES.index(name) for name in MOVERS])
        assert (frame.actors_hw[movers] > 0).mean() > 0.99
        seen = np.bincount(frame.actors_hw.ravel(), minlength=256)
        assert (seen[1:] <= frame.outlines[1:]).all()


@pytest.mark.slow
def test_on_the_clip_they_stay_in_nineteen_frames_of_twenty() -> None:
    assert follow(1, 105)["share"] >= 0.95


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--frames", "9", "--json", str(tmp_path / "t.json")]) == 0
    assert "exact, street 1" in capsys.readouterr().out and (tmp_path / "t.json").exists()
