"""Words and constants of the published protocols, and the command that runs them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import accuracy
from benchmarks.datasets.evaluation_set import EvaluationSet, Selection
from benchmarks.datasets.registry import all_datasets
from benchmarks.protocols.predictor import protocol_predictor
from benchmarks.protocols.protocol import Protocol, Refinement
from benchmarks.protocols.registry import DATASETS, protocol_of
from benchmarks.protocols.setting import config_of
from runtime import Segmenter
from runtime.bundle import Bundle, TextInfo
from runtime.cli.opening import read_classes
from runtime.errors import UserError
from runtime.text.classes import parse_classes
from tests.support.bundle import ENCODER_SHA256
from tests.support.official_layouts import write_voc

CLASSES = {
    "voc21": 21, "voc20": 20, "context60": 60, "context59": 59, "coco-object": 81,
    "coco-stuff": 171, "cityscapes": 19, "ade20k": 150,
}  # fmt: skip


def _names(dataset: str) -> tuple[str, ...]:
    from benchmarks.datasets import ade20k, cityscapes, coco, pascal_context, voc

    return {
        "voc21": ("background", *voc.THINGS),
        "voc20": voc.THINGS,
        "context60": ("background", *pascal_context.CLASSES),
        "context59": pascal_context.CLASSES,
        "coco-object": ("background", *coco.THINGS),
        "coco-stuff": (*coco.THINGS, *coco.STUFF),
        "cityscapes": cityscapes.CLASSES,
        "ade20k": ade20k.CLASSES,
    }[dataset]


def _protocol(name: str, dataset: str) -> Protocol:
    words = _names(dataset)
    return protocol_of(name, EvaluationSet(dataset, words, 0, lambda: iter(())))


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_class_has_its_words(dataset: str) -> None:
    for name in ("tcl", "sclip"):
        protocol = _protocol(name, dataset)
        assert len(protocol.words) == CLASSES[dataset]
        assert all(protocol.words[1:])
        config = config_of(protocol)
        entries = parse_classes(read_classes(config.words))
        behind = () if config.words.background == "none" else config.words.background.split(",")
        given = [*behind, *(word for entry in entries for word in entry.words)]
        assert given == [word for word, _ in protocol.rows]
        assert len({label for _, label in protocol.rows}) == len(protocol.words) - (
            protocol.constant_background is not None
        )


def test_the_constants_of_the_two_families() -> None:
    ours = _protocol("tcl", "coco-object")
    assert (ours.words[0], ours.constant_background) == ((), 0.5)
    assert (ours.crop, ours.templates) == (448, "tcl")
    assert _protocol("tcl", "voc20").words[10] == ("diningtable",)
    theirs = _protocol("sclip", "voc21")
    assert (theirs.scale, theirs.threshold, theirs.least_area) == (65, 0.1, 0.1)
    assert (theirs.short_side, theirs.crop, theirs.stride) == (336, 224, 112)
    assert len(theirs.words[0]) == 26
    assert theirs.words[4] == ("ship",)
    assert (len(theirs.words[15]), len(_protocol("sclip", "coco-object").words[1])) == (7, 8)
    assert _protocol("sclip", "cityscapes").short_side == 560
    assert _protocol("sclip", "cityscapes").words[6] == ("trafficlight",)
    assert theirs.templates == "imagenet"
    assert ours.refined.constant_background == 0.4
    assert ours.refinement == Refinement((1, 2, 4, 8, 12, 24), True, 0.4)
    assert _protocol("tcl", "voc20").refined.constant_background is None
    assert theirs.refined == theirs
    assert theirs.refinement == Refinement((8, 16), False)


def test_a_word_of_the_background_may_be_a_class_as_well() -> None:
    rows = _protocol("sclip", "coco-object").rows
    assert [label for word, label in rows if word == "bed"] == [0, 60]


def test_the_graph_is_asked_for_windows_of_its_own_size(bundle: Bundle) -> None:
    with Segmenter.load(bundle, "onnxruntime-cpu") as segmenter:
        with pytest.raises(UserError, match=r"windows of 224x224 here.*takes 8x6; export it"):
            protocol_predictor(segmenter, _protocol("sclip", "voc20"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sclip", "tcl"])
def test_the_command_runs_a_protocol_from_picture_to_record(
    name: str, make_bundle, graphs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """The hand-made graph takes 8 x 6 pixels: many windows, and a stride that fits them."""
    root = write_voc(tmp_path, {"b": [0, 1, 20, 255], "a": [15]})
    bundle = make_bundle(text=TextInfo(77, ENCODER_SHA256, False))
    target = tmp_path / "record.json"
    flags = ["--dataset", "voc21", "--root", str(root), "--protocol", name]
    flags += ["--refine", "pamr"]
    flags += [
        "--confusion",
        str(tmp_path / "confusion.png"),
        "--sheet",
        str(tmp_path / "sheet.png"),
    ]
    shared = ["--bundle", str(bundle.path), "--backend", "onnxruntime-cpu", "--json", str(target)]
    assert accuracy.main([*flags, *shared]) == 2
    assert (
        f"cuts windows of {'224x224' if name == 'sclip' else '448x448'} here"
        in capsys.readouterr().err
    )
    monkeypatch.setattr("benchmarks.protocols.predictor.check_crop", lambda *_: None)
    monkeypatch.setattr(
        "benchmarks.accuracy.protocol_of",
        lambda name, dataset: replace(protocol_of(name, dataset), short_side=12, stride=6),
    )
    assert accuracy.main([*flags, *shared]) == 0
    record = json.loads(target.read_text())
    assert record["protocol"]["name"] == name
    rows = [word for words in record["protocol"]["words"] for word in words]
    if name == "sclip":
        assert len(rows) == 26 + 19 + 7 - 1 + 5  # behind, things, person, screens
    assert record["pamr_dilations"] == ([8, 16] if name == "sclip" else [1, 2, 4, 8, 12, 24])
    assert record["protocol"]["setting"].startswith("mgca-rt --short-side 12 --stride 6")
    resized = "scale-factor" if name == "sclip" else "size"
    assert record["protocol"]["position_resize"] == resized
    assert record["protocol"]["position_resize_of_bundle"] is None
    assert set(record["by_units"]) == {"adaptive", "pixel", "pamr"}
    assert set(record["iou"]) == {"background", "aeroplane", "person", "tvmonitor"}
    said = capsys.readouterr()
    assert f"protocol {name}" in said.out
    assert f"by '{resized}', and the bundle's manifest says None" in said.err
    for flag in ("confusion", "sheet"):
        assert (tmp_path / f"{flag}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--protocol", "sclip", "--scenes", "1"], "says nothing of streetworld"),
        (["--protocol", "tcl", "--control", "mean-map"], "exclude each other"),
        (["--protocol", "tcl", "--stride", "9", "--dataset", "voc20", "--root", "."], "windows of"),
        (["--protocol", "pamr"], "'pamr'"),
        (["--protocol", "tcl", "--refine", "pamr", "--pamr-dilations", "1"], "of its own; leave"),
        (["--pamr-dilations", "1,2"], "--pamr-dilations would do nothing"),
        (["--refine", "pamr", "--pamr-dilations", "0,2"], "a whole number >= 1"),
        (["--resume"], "--resume needs the --json"),
        (["--sheet", "sheet.png"], "lies in the repository"),
        (["--confusion", "/proc/new/file.png"], "--confusion /proc"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_two(
    flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accuracy.main(flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_sets_are_those_that_can_be_read() -> None:
    assert set(DATASETS) <= set(all_datasets())
    assert Selection().root is None
