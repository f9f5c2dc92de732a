"""``--smooth``: which sources are smoothed, and that ``off`` is what there was without it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtime import Model, Segmenter
from runtime.cli.arguments import parse_arguments
from runtime.cli.config import SourcesConfig
from runtime.cli.config_file import write_config
from runtime.cli.opening import make_smoother
from runtime.errors import UserError
from runtime.flag_values import word_or_number
from runtime.segment.smoothing import TIME_CONSTANT_S
from runtime.sources import CameraSource, ImageSource, StreamSource, VideoFile
from tests.support.clips import write_clip
from tests.support.processes import ENGINE, Run

WORDS = ("--classes", "sky,tree,car", "--background", "none")


def read_folder(folder: Path) -> list[Any]:
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))]


@pytest.fixture
def flickering_clip(tmp_path: Path) -> Path:
    """Twelve frames between sky's color and tree's, now a little nearer to the one or other."""
    path = tmp_path / "flicker.mp4"
    frames = [np.full((96, 128, 3), (124 + by, 132 - by, 0), np.uint8) for by in (0, 8) * 6]
    write_clip(path, frames)
    return path


def label_clip(color_bundle: Path, clip: Path) -> list[bytes]:
    """The clip's labels by the library, each frame by itself."""
    source = cv2.VideoCapture(str(clip))
    labels: list[bytes] = []
    with Model.load(color_bundle, "onnxruntime-cpu", threads=1) as model:
        segmenter = Segmenter(model)
        segmenter.set_classes("sky,tree,car", background="none")
        while (frame := source.read()[1]) is not None:
            labels.append(segmenter(frame, len(labels) / 12).labels.tobytes())
    source.release()
    return labels


def test_off_labels_each_frame_by_itself(
    run_here: Run, color_bundle: Path, flickering_clip: Path, tmp_path: Path
) -> None:
    flags = ("--video", flickering_clip, "--bundle", color_bundle, *ENGINE, *WORDS, "--label-dir")
    found = {}
    for way, folder in (("off", "a"), ("0", "b"), ("auto", "c"), ("0.35", "d")):
        done = run_here(*flags, tmp_path / folder, "--smooth", way)
        assert done.returncode == 0, done.stderr
        found[way] = [labels.tobytes() for labels in read_folder(tmp_path / folder)]
    assert found["off"] == found["0"]
    assert found["auto"] == found["0.35"]  # and the same in each run
    assert found["off"] != found["auto"]
    plain = label_clip(color_bundle, flickering_clip)
    assert len(plain) == 12 and found["off"] == plain


def test_images_are_not_smoothed_unless_asked(
    run_here: Run, color_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for index, grey in enumerate((10, 240, 90)):
        noise = np.random.default_rng(index).integers(-9, 10, (48, 64, 3))
        cv2.imwrite(str(tmp_path / "in" / f"{index}.png"), np.clip(grey + noise, 0, 255))
    flags = ("--images", tmp_path / "in", "--bundle", color_bundle, *ENGINE, *WORDS, "--label-dir")
    for way, folder in (((), "a"), (("--smooth", "off"), "b")):
        assert run_here(*flags, tmp_path / folder, *way).returncode == 0
    first, second = (read_folder(tmp_path / folder) for folder in "ab")
    assert len(first) == 3
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_who_is_smoothed(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint8))
    sources = (
        (CameraSource("0", None, None), TIME_CONSTANT_S),
        (VideoFile("a.mp4"), TIME_CONSTANT_S),
        (StreamSource("rtsp://host/a", None, None), TIME_CONSTANT_S),
        (ImageSource((str(tmp_path),), 15.0), None),
    )
    for source, seconds in sources:
        smoother = make_smoother("auto", source)
        assert (smoother and smoother.seconds) == seconds
        assert make_smoother("off", source) is None and make_smoother(0.0, source) is None
        asked = make_smoother(1.5, source)
        assert asked is not None and asked.seconds == 1.5


@pytest.mark.parametrize("text", ["on", "-1", "61", "nan", "", "0,5", "AUTO"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="auto, off or a number from 0 to 60"):
        word_or_number(("auto", "off"), 0, 60)(text)


def test_a_file_may_hold_a_word_or_a_number(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    for value, read in (('"off"', "off"), ("0.5", 0.5), ("2", 2.0), ('"0.5"', 0.5)):
        path.write_text(f"[sources]\nsmooth = {value}\n")
        config = parse_arguments(["--config", str(path)]).config
        assert config.sources == SourcesConfig(smooth=read)
        path.write_text(write_config(config))
        assert parse_arguments(["--config", str(path)]).config == config
    for value in ("true", '"on"', "[1]", "99"):
        path.write_text(f"[sources]\nsmooth = {value}\n")
        with pytest.raises(UserError, match="smooth"):
            parse_arguments(["--config", str(path)])
