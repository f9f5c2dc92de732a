"""Folders of photographs with label images: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets.folder import folder_set, open_folder
from runtime.errors import UserError
from tests.support.photo_folder import write_palette_png, write_photo_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_photo_folder(tmp_path / "photographs", count=3)


def test_a_palette_is_read_as_its_positions(root: Path) -> None:
    folder = open_folder(root)
    assert folder.index_of == {"red": 1, "green": 2, "blue": 5}
    assert folder.value_names() == ("none of them", "red", "green", "", "", "blue")
    frame_bgr, labels_hw = folder.photographs[0].read()
    assert frame_bgr.shape == (24, 32, 3)
    assert set(np.unique(labels_hw)) <= {0, 1, 2, 5, 255}
    assert (labels_hw[0, :4] == 255).all()


def test_as_a_set_named_things_alone_have_truth(root: Path) -> None:
    dataset = folder_set(root, (2, 3))
    assert dataset.words == ("red", "green", "blue")
    first, _ = dataset.open()
    _, labels_hw = open_folder(root).photographs[1].read()
    for value, position in ((0, 255), (1, 0), (2, 1), (5, 2), (255, 255)):
        assert (first.labels_hw[labels_hw == value] == position).all()


def test_photographs_are_chosen_by_range_and_limit(root: Path) -> None:
    assert len(open_folder(root).photographs) == 3
    assert [one.image.stem for one in open_folder(root, (2, 3), 1).photographs] == ["1"]
    with pytest.raises(UserError, match="has 3 photographs; asked for 4"):
        open_folder(root, (2, 4))


def test_labels_that_are_no_labels_are_refused(root: Path) -> None:
    photograph = open_folder(root).photographs[0]
    Image.new("RGB", (32, 24)).save(photograph.label)
    with pytest.raises(UserError, match=r"0\.png has colors \(RGB\)"):
        photograph.read()
    write_palette_png(photograph.label, np.zeros((24, 31), np.uint8))
    with pytest.raises(UserError, match="is 31x24, its photograph 32x24"):
        photograph.read()
    cv2.imwrite(str(photograph.label), np.full((24, 32), 300, np.uint16))
    with pytest.raises(UserError, match="values above 255"):
        photograph.read()
    photograph.label.write_text("no image")
    with pytest.raises(UserError, match="cannot be read as an image"):
        photograph.read()
    photograph.label.unlink()
    with pytest.raises(UserError, match=r"0\.png is not there"):
        photograph.read()
    photograph.image.write_text("no image")
    with pytest.raises(UserError, match="cannot be read as a picture"):
        photograph.read()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("classes.tsv", "number\tname\n1\tred\n", "no column index"),
        ("classes.tsv", "index\tname\n1\tred\n1\tblue\n", "'blue' is there twice"),
        ("classes.tsv", "index\tname\n300\tred\n", "expected a value from 0 to 255"),
        ("classes.tsv", "index\tname\n0\tbackground\n", "names no class"),
        ("manifest.tsv", "image\tlabel\tpresent\na.jpg\tb.png\n", "line 2: fewer values"),
        ("manifest.tsv", "image\tlabel\tpresent\n", "has 0 photographs"),
    ],
)
def test_tables_that_are_no_tables_are_refused(root: Path, name: str, text: str, says: str) -> None:
    (root / name).write_text(text)
    with pytest.raises(UserError, match=says):
        open_folder(root)
