"""Label images: which folders are refused for which images."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime import Segmenter
from runtime.errors import UserError
from runtime.sinks.base import RunFacts
from runtime.sinks.claims import Claims
from runtime.sinks.label_list import LIST_NAME
from runtime.sinks.labels import LabelFolder
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.processes import ENGINE, Run
from tests.support.streams import Keeper, Scenes, wait_until


@pytest.mark.parametrize(
    ("images", "folder", "says"),
    [
        (["in/a.png", "in/a.jpg"], "out", "in/a.png and in/a.jpg would both be written to a.png"),
        (["in/a.png", "in/b.jpg"], "in", "--label-dir in would overwrite the input in/a.png"),
        (["in/a.jpg"], "", "--label-dir is empty"),
        (["in/a.jpg"], "bundle/new", "lies in the bundle"),
    ],
)
def test_what_is_refused(
    images: list[str], folder: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in", "bundle"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=says):
        LabelFolder(folder).check(Claims(images, "bundle", images))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "in"]


def test_images_without_labels_of_the_same_name_may_share_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    LabelFolder("in").check(Claims(["in/a.jpg"], "bundle", ["in/a.jpg"]))
    LabelFolder("in").check(Claims(["in/a.png"], "bundle"))  # of a video, frames are numbered


def write_png(path: Path, color: bool = False) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.zeros((4, 5, 3) if color else (4, 5), np.uint8))


def test_a_folder_says_what_its_values_mean(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "l"
    run = ("--video", clip, "--bundle", color_bundle, *ENGINE, "--max-frames", 1)
    done = run_here(*run, "--classes", "below=tree,car", "--label-dir", labels)
    assert done.returncode == 0, done.stderr
    record = json.loads((labels / LIST_NAME).read_text())
    assert [(one["value"], one["name"]) for one in record["classes"]] == [(0, "below"), (1, "car")]
    assert record["classes"][0]["color"] == "#e69f00"  # the palette's first, in RGB
    assert record["none"] == 255 and record["bundle"].startswith("colors@")
    assert record["command"].startswith(f"mgca-rt --video {clip} ")

    (labels / "000009.png").write_bytes((labels / "000000.png").read_bytes())
    again = run_here(*run, "--classes", "below=tree,car", "--label-dir", labels)
    assert again.returncode == 0 and (labels / "000009.png").exists()  # the same list: it stays

    refused = run_here(*run, "--classes", "car,tree", "--label-dir", labels)
    assert refused.returncode == 2 and "2 label images of other classes" in refused.stderr
    assert json.loads((labels / LIST_NAME).read_text()) == record

    cleared = run_here(*run, "--classes", "car,tree", "--label-dir", labels, "--overwrite")
    assert cleared.returncode == 0, cleared.stderr
    assert sorted(path.name for path in labels.iterdir()) == ["000000.png", LIST_NAME]
    names = [one["name"] for one in json.loads((labels / LIST_NAME).read_text())["classes"]]
    assert names == ["car", "tree"]


@pytest.mark.parametrize(
    ("name", "images", "refused"),
    [
        ("000003.png", [], True),  # a label image of before there was a list
        ("a.png", ["in/a.jpg"], True),
        ("b.png", ["in/a.jpg"], False),  # somebody's grey picture
        ("map.png", [], False),
    ],
)
def test_labels_without_a_list(name: str, images: list[str], refused: bool, tmp_path: Path) -> None:
    write_png(tmp_path / name)
    write_png(tmp_path / "000001.png", color=True)  # no label image
    claims = Claims(images, "bundle", images, ["car"])
    if refused:
        with pytest.raises(UserError, match="1 label images of an unknown class list"):
            LabelFolder(str(tmp_path)).check(claims)
    else:
        LabelFolder(str(tmp_path)).check(claims)
    claims = Claims(images, "bundle", images, ["car"])
    LabelFolder(str(tmp_path), overwrite=True).check(claims)
    assert (tmp_path / name).exists()  # nothing goes before there is something new


def test_an_input_among_labels_is_never_stale(tmp_path: Path) -> None:
    write_png(tmp_path / "000001.png")
    claims = Claims([str(tmp_path / "000001.png")], "bundle", [], ["car"])
    LabelFolder(str(tmp_path)).check(claims)


@pytest.mark.parametrize("content", ["{}", "[1]", "no", '{"format": "mgca-labels"}', "[" * 9999])
def test_somebody_elses_classes_json_is_not_replaced(content: str, tmp_path: Path) -> None:
    (tmp_path / LIST_NAME).write_text(content)
    with pytest.raises(UserError, match="--overwrite"):
        LabelFolder(str(tmp_path)).check(Claims([], "bundle", [], ["car"]))
    assert (tmp_path / LIST_NAME).read_text() == content
    LabelFolder(str(tmp_path), overwrite=True).check(Claims([], "bundle", [], ["car"]))


def test_a_list_that_changes_in_mid_run_is_told_from_its_first_image_on(
    color_bundle: Path, tmp_path: Path
) -> None:
    folder = LabelFolder(str(tmp_path / "l"))
    with Segmenter.load(color_bundle, "onnxruntime-cpu", threads=1) as segmenter:
        before = segmenter.set_classes("sky,tree", background="none")
        folder.prepare(RunFacts(before.class_names, (), "colors"))
        changes = {2: "car", 4: "sky,tree"}
        source = Scenes(5, after=lambda at: at + 1 in changes and keeper_waits(at))

        def keeper_waits(at: int) -> None:
            wait_until(lambda: len(keeper.items) == at + 1)
            segmenter.set_classes(changes[at + 1], background="none")

        keeper = Keeper()
        Pipeline([Stream(source, segmenter, [folder, keeper])]).run()
    record = json.loads((tmp_path / "l" / LIST_NAME).read_text())
    assert [one["name"] for one in record["classes"]] == ["sky", "tree"]
    assert record["changes"] == [
        {"from": "000002.png", "classes": ["car"]},
        {"from": "000004.png", "classes": ["sky", "tree"]},
    ]
    claims = Claims([], "bundle", class_names=["sky", "tree"])
    with pytest.raises(UserError, match=r"5 label images of other classes \(several lists\)"):
        LabelFolder(str(tmp_path / "l")).check(claims)
