"""Label images: which folders are refused for which images."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.errors import UserError
from runtime.sinks.claims import Claims
from runtime.sinks.labels import LabelFolder


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
