from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.datasets.camvid import WORDS, camvid_set, find_camvid
from benchmarks.datasets.demo_clip import demo_clip_set
from benchmarks.datasets.streetworld import streetworld_set
from runtime.errors import UserError
from training.data.streetworld import moving_scene

REPOSITORY = Path(__file__).resolve().parents[3]


def test_streetworld_frames_come_again_and_are_bgr():
    dataset = streetworld_set(3, 2, (96, 64))
    first, again = list(dataset.open()), list(dataset.open())
    assert len(first) == dataset.count == 2
    for one, other in zip(first, again, strict=True):
        assert one.frame_bgr.shape == (64, 96, 3)
        assert one.labels_hw.shape == (64, 96)
        assert np.array_equal(one.frame_bgr, other.frame_bgr)
        assert np.array_equal(one.labels_hw, other.labels_hw)
    from training.data.streetworld import generate_scene

    scene = generate_scene(3_000_000, namespace="eval", size_wh=(96, 64))
    assert np.array_equal(first[0].frame_bgr[:, :, ::-1], scene.image_hw3)


def test_seeds_do_not_overlap():
    of_zero = {frame.name for frame in streetworld_set(0, 5, (32, 32)).open()}
    of_one = {frame.name for frame in streetworld_set(1, 5, (32, 32)).open()}
    assert not of_zero & of_one


@pytest.mark.camvid
def test_camvid_frames_and_their_range(camvid_root: Path):
    assert camvid_set(camvid_root).count == 101
    dataset = camvid_set(camvid_root, (2, 3))
    frames = list(dataset.open())
    names = sorted(path.stem for path in (camvid_root / "frames").glob("*.jpg"))
    assert [frame.name for frame in frames] == names[1:3]
    for frame in frames:
        assert frame.frame_bgr.shape == (360, 480, 3)
        assert frame.labels_hw.shape == (360, 480)
        assert frame.labels_hw.max() <= len(WORDS)
    with pytest.raises(UserError, match="past the 101 frames"):
        camvid_set(camvid_root, (90, 102))


def test_an_absent_or_foreign_folder_is_named(tmp_path: Path, monkeypatch):
    with pytest.raises(UserError, match=r"no CamVid clip at .*\$CAMVID_ROOT"):
        find_camvid(tmp_path)
    monkeypatch.setenv("CAMVID_ROOT", str(tmp_path / "gone"))
    with pytest.raises(UserError, match="gone"):
        find_camvid(None)


def test_labels_of_another_size_are_refused(tmp_path: Path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "labels").mkdir()
    cv2.imwrite(str(tmp_path / "frames/a.jpg"), np.zeros((8, 10, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "labels/a.png"), np.zeros((8, 9), np.uint8))
    with pytest.raises(UserError, match=r"a\.png is \(8, 9\)"):
        list(camvid_set(tmp_path).open())


def test_the_demo_clip_set_is_the_shipped_clip():
    """Its masks would mean nothing beside another street's pictures."""
    clip = cv2.VideoCapture(str(REPOSITORY / "runtime/assets/demo.mp4"))
    assert int(clip.get(cv2.CAP_PROP_FRAME_COUNT)) == demo_clip_set().count
    decoded_bgr = clip.read()[1].astype(int)
    first = next(demo_clip_set().open())
    other = next(moving_scene(2, frames=1)).image_hw3[..., ::-1]
    assert np.abs(decoded_bgr - first.frame_bgr).mean() < 6
    assert np.abs(decoded_bgr - other).mean() > 20
    assert first.labels_hw.shape == first.frame_bgr.shape[:2]
