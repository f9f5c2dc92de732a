"""A protocol is a setting of the runtime: its labels are those of mgca-rt with its flags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.datasets.evaluation_set import EvaluationSet
from benchmarks.datasets.voc import THINGS
from benchmarks.hostile_bundles.color_parts import color_segmenter
from benchmarks.protocols.predictor import protocol_predictor
from benchmarks.protocols.protocol import Protocol
from benchmarks.protocols.registry import protocol_of
from benchmarks.protocols.setting import config_of, flags_of, values_of
from runtime import Segmenter
from runtime.bundle import InputInfo, OutputInfo, TextInfo
from runtime.cli.arguments import parse_arguments
from tests.support.bundle import ENCODER_SHA256
from tests.support.processes import ENGINE, Run

NORMAL = (0.5, 0.5, 0.5)


def _protocol(name: str, dataset: str = "voc21") -> Protocol:
    words = ("background", *THINGS)
    return protocol_of(name, EvaluationSet(dataset, words, 0, lambda: iter(())))


def _pictures(folder: Path) -> dict[str, np.ndarray]:
    """Two pictures of soft patches of color, one upright."""
    folder.mkdir()
    draw = np.random.default_rng(5)
    pictures = {}
    for name, size_wh in (("a", (60, 40)), ("b", (40, 60))):
        small = draw.integers(0, 255, (4, 5, 3), np.uint8)
        pictures[name] = cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{name}.png"), pictures[name])
    return pictures


@pytest.mark.parametrize("name", ["sclip", "tcl"])
def test_its_labels_are_those_of_mgca_rt(
    name: str, make_bundle, run_here: Run, tmp_path: Path
) -> None:
    protocol = _protocol(name)
    # Colors and words of noise are nearly alike: thresholds where some pixels are over them.
    changed = {"sclip": {"threshold": 0.04}, "tcl": {"constant_background": 0.9}}[name]
    protocol = replace(protocol, **changed)
    side = protocol.crop
    bundle = make_bundle(
        files={"segmenter.onnx": color_segmenter((side // 2, side // 2), 2)},
        input=InputInfo((side, side), NORMAL, NORMAL),
        output=OutputInfo((side // 2, side // 2), 2),
        text=TextInfo(77, ENCODER_SHA256, False),
    )
    pictures = _pictures(tmp_path / "pictures")
    done = run_here(
        "--images", tmp_path / "pictures", "--bundle", bundle.path, *ENGINE,
        *flags_of(protocol), "--label-dir", tmp_path / "labels", "--quiet",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    seen: set[int] = set()
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        predict = protocol_predictor(segmenter, protocol)
        for picture, frame_bgr in pictures.items():
            labels_hw = cv2.imread(str(tmp_path / "labels" / f"{picture}.png"), -1)
            expected_hw = predict(frame_bgr, ["pixel"])["pixel"]
            things = labels_hw != 255
            assert (expected_hw[things] == labels_hw[things] + 1).all()
            assert (expected_hw[~things] == 0).all()
            seen |= set(np.unique(expected_hw).tolist())
    assert 0 in seen and len(seen) > 2


def test_the_flags_are_the_config() -> None:
    for name in ("sclip", "tcl"):
        protocol = _protocol(name)
        line = parse_arguments(flags_of(protocol))
        assert line.config == config_of(protocol)
        assert "--templates" in protocol.to_record()["setting"]
    theirs = values_of(_protocol("sclip"))
    assert theirs["logit_scale"] == 65 and theirs["background"].startswith("sky,wall,tree")
    assert (theirs["background_threshold"], theirs["least_area"]) == (0.1, 0.1)
    ours = values_of(_protocol("tcl"))
    assert (ours["background"], ours["background_probability"]) == ("none", "sigmoid")
