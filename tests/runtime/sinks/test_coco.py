"""COCO instances, read by pycocotools."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.errors import MgcaError, UserError
from runtime.sinks.base import RunFacts
from runtime.sinks.claims import Claims
from runtime.sinks.coco import CocoInstances
from tests.support.clips import draw_scene, scene_labels
from tests.support.frames import SCENE_CLASSES, scene, segmented
from tests.support.processes import ENGINE, Run


def opened(path: Path, *images: Path) -> CocoInstances:
    sink = CocoInstances(str(path))
    sink.check(Claims([], "no-bundle", [str(one) for one in images]))
    sink.prepare(RunFacts(SCENE_CLASSES, (), "b", "mgca-rt --video rtsp://me:S3cretly@host/"))
    return sink


def read_masks(path: Path) -> dict[int, np.ndarray]:
    """For each image, its labels as the annotations draw them; categories are labels plus one."""
    coco = pytest.importorskip("pycocotools.coco").COCO(str(path))
    drawn = {}
    for image in coco.loadImgs(coco.getImgIds()):
        labels = np.full((image["height"], image["width"]), 255, np.uint8)
        for one in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
            labels[coco.annToMask(one) > 0] = one["category_id"] - 1
            assert (one["iscrowd"], one["area"]) == (0, coco.annToMask(one).sum())
        drawn[image["id"]] = labels
    return drawn


def test_pycocotools_reads_it_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.json"
    sink = opened(path)
    for index in range(3):
        sink.write(scene(index))
    assert not path.exists()
    sink.close()
    sink.close()
    assert os.listdir(path.parent) == ["c.json"]
    for image, labels in read_masks(path).items():
        assert np.array_equal(labels, scene_labels(image - 1))
    record = json.loads(path.read_text())
    assert [(one["id"], one["name"]) for one in record["categories"]] == [
        (1, "sky"), (2, "tree"), (3, "car"),
    ]  # fmt: skip
    assert [one["file_name"] for one in record["images"]] == [f"{i:06d}.jpg" for i in range(3)]
    assert len({one["id"] for one in record["annotations"]}) == len(record["annotations"]) == 9
    assert "S3cretly" not in path.read_text()


def test_other_classes_on_the_way_get_further_categories(tmp_path: Path) -> None:
    sink = opened(tmp_path / "c.json")
    sink.write(scene(0))
    labels = np.zeros((4, 6), np.uint8)
    labels[:, 3:] = 1
    image_bgr = np.zeros((4, 6, 3), np.uint8)
    sink.write(segmented(image_bgr, labels, 1, class_names=("straße", "tree")))
    sink.close()
    record = json.loads((tmp_path / "c.json").read_text())
    names = {one["id"]: one["name"] for one in record["categories"]}
    assert names == {1: "sky", 2: "tree", 3: "car", 4: "straße"}
    last = [names[one["category_id"]] for one in record["annotations"] if one["image_id"] == 2]
    assert last == ["straße", "tree"]


def test_images_are_named_below_the_folder_they_share(tmp_path: Path) -> None:
    images = [tmp_path / "in" / name for name in ("a/1.png", "b/1.png", "2.png")]
    sink = opened(tmp_path / "c.json", *images)
    for index, path in enumerate(images):
        item = scene(index)
        sink.write(segmented(item.frame.image_bgr, item.result.labels, index, path=str(path)))
    sink.close()
    record = json.loads((tmp_path / "c.json").read_text())
    assert [one["file_name"] for one in record["images"]] == ["a/1.png", "b/1.png", "2.png"]


def test_a_frame_without_any_class_is_an_image_all_the_same(tmp_path: Path) -> None:
    sink = opened(tmp_path / "c.json")
    sink.write(segmented(np.zeros((4, 6, 3), np.uint8), np.full((4, 6), 255, np.uint8)))
    sink.close()
    record = json.loads((tmp_path / "c.json").read_text())
    assert record["annotations"] == [] and record["images"][0]["width"] == 6


def test_what_is_there_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("precious")
    sink = opened(path)
    sink.close()
    sink.write(scene(0))
    assert path.read_text() == "precious"
    sink.close()
    assert json.loads(path.read_text())["images"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error() -> None:
    sink = opened(Path("/dev/full"))
    with pytest.raises(MgcaError, match="No space left"):
        sink.write(scene(0))


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"should end in \.json"):
        opened(tmp_path / "c.txt")


def test_from_the_command_line(run_here: Run, color_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in range(2):
        cv2.imwrite(str(tmp_path / "in" / f"{index}.png"), draw_scene(index))
    words = ("--classes", "sky,tree,car", "--background", "none")
    typed = ("--images", tmp_path / "in", "--bundle", color_bundle, *ENGINE, *words)
    done = run_here(*typed, "--coco", "c.json", "--label-dir", "l")
    assert (done.returncode, done.stderr) == (0, "")
    drawn = read_masks(Path("c.json"))
    for image, labels in drawn.items():
        png = cv2.imread(f"l/{image - 1}.png", cv2.IMREAD_UNCHANGED)
        assert np.array_equal(labels, png)
    done = run_here(*typed, "--coco", "c.json", "--report", "c.json")
    assert done.returncode == 2 and "--coco and --report name the same file" in done.stderr
