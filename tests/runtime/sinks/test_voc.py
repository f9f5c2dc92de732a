"""Pascal VOC: indices and colors as other programs read them, lists, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.errors import MgcaError, UserError
from runtime.sinks.base import RunFacts
from runtime.sinks.claims import Claims
from runtime.sinks.voc import VocFolder
from tests.support.clips import draw_scene, scene_labels
from tests.support.frames import SCENE_CLASSES, scene, segmented
from tests.support.processes import ENGINE, Run


def opened(folder: Path, names: tuple[str, ...] = SCENE_CLASSES) -> VocFolder:
    sink = VocFolder(str(folder))
    sink.check(Claims([], "no-bundle", class_names=names))
    sink.prepare(RunFacts(names, (), "b"))
    return sink


def read_indices(path: Path) -> np.ndarray:
    """A palette PNG's own indices, as Pillow reads them."""
    image = pytest.importorskip("PIL.Image").open(path)
    assert image.mode == "P"
    return np.array(image)


def test_indices_colors_pictures_and_lists(tmp_path: Path) -> None:
    sink = opened(tmp_path / "v")
    for index in range(2):
        sink.write(scene(index))
    sink.close()
    folder = tmp_path / "v"
    assert (folder / "ImageSets/Segmentation/default.txt").read_text() == "000000\n000001\n"
    head, *lines = (folder / "labelmap.txt").read_text().splitlines()
    assert head == "# label:color_rgb:parts:actions"
    assert lines == ["background:0,0,0::", "sky:230,159,0::", "tree:135,45,75::",
                     "car:165,255,210::"]  # fmt: skip
    colors_bgr = [tuple(map(int, line.split(":")[1].split(",")))[::-1] for line in lines]
    labels = scene_labels(1)
    expected = np.where(labels == 255, 0, labels + 1).astype(np.uint8)
    path = folder / "SegmentationClass/000001.png"
    assert np.array_equal(read_indices(path), expected)
    # Programs that look at colors see those of labelmap.txt.
    assert np.array_equal(cv2.imread(str(path)), np.array(colors_bgr, np.uint8)[expected])
    picture = cv2.imread(str(folder / "JPEGImages/000001.jpg"))
    assert np.abs(picture.astype(int) - draw_scene(1)).mean() < 3


def test_none_is_the_background_and_every_label_has_an_index(tmp_path: Path) -> None:
    names = tuple(f"class {number}" for number in range(254))
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    labels[labels == 254] = 255
    sink = opened(tmp_path, names)
    sink.write(segmented(np.zeros((16, 16, 3), np.uint8), labels, class_names=names))
    indices = read_indices(tmp_path / "SegmentationClass/000000.png")
    assert np.array_equal(indices.ravel(), [*range(1, 255), 0, 0])


def test_other_classes_on_the_way_keep_the_indices_of_before(tmp_path: Path) -> None:
    sink = opened(tmp_path)
    sink.write(scene(0))
    labels = np.array([[0, 1, 255]], np.uint8)
    image_bgr = np.zeros((1, 3, 3), np.uint8)
    sink.write(segmented(image_bgr, labels, 1, class_names=("bus", "sky")))
    assert read_indices(tmp_path / "SegmentationClass/000001.png").tolist() == [[4, 1, 0]]
    lines = (tmp_path / "labelmap.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["background", *SCENE_CLASSES, "bus"]
    with pytest.raises(MgcaError, match="'Background' is what is none of the classes"):
        sink.write(segmented(image_bgr, labels, 2, class_names=("Background", "sky")))


def test_frames_are_added_to_those_of_the_same_classes(tmp_path: Path) -> None:
    for index in (0, 1, 1):
        sink = opened(tmp_path)
        sink.write(scene(index))
        sink.close()
    listing = tmp_path / "ImageSets/Segmentation/default.txt"
    assert listing.read_text() == "000000\n000001\n"
    with pytest.raises(UserError, match="holds a data set of other classes"):
        opened(tmp_path, ("sky", "tree"))
    (tmp_path / "labelmap.txt").unlink()
    with pytest.raises(UserError, match="holds a data set of other classes"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["background", "Background", "a:b", "#a"])
def test_names_that_cannot_stand_in_the_list(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give another name"):
        opened(tmp_path / "v", ("sky", name))
    assert not (tmp_path / "v").exists()


def test_from_the_command_line(
    run_here: Run, clip: Path, color_bundle: Path, tmp_path: Path
) -> None:
    words = ("--classes", "sky,tree,car", "--background", "none")
    typed = ("--video", clip, "--bundle", color_bundle, *ENGINE, *words)
    done = run_here(*typed, "--voc", "v", "--max-frames", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in Path("v/SegmentationClass").iterdir()) == [
        "000000.png", "000001.png",
    ]  # fmt: skip
    done = run_here(*typed, "--voc", "v", "--label-dir", "v")
    assert done.returncode == 2 and "name the same folder v" in done.stderr
    done = run_here(*typed, "--voc", clip)
    assert done.returncode == 2 and "is not a folder" in done.stderr
