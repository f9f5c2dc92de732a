"""Overlay pictures: of images, of a video's frames, beside a video, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.errors import UserError
from runtime.sinks.claims import Claims
from runtime.sinks.overlay import OverlayVideo
from runtime.sinks.pictures import OverlayPictures
from tests.support.clips import SIZE_WH, draw_scene, read_video
from tests.support.processes import ENGINE, Run

WORDS = ("--classes", "sky,tree,car", "--background", "none")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, size_wh in {"a": (128, 96), "b": (61, 47)}.items():
        cv2.imwrite(str(folder / f"{name}.png"), draw_scene(3, size_wh))
    return folder


def test_images_become_pictures_of_their_size(
    run_here: Run, color_bundle: Path, images: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--images", images, "--bundle", color_bundle, *ENGINE, *WORDS,
        "--out", f"{tmp_path}/o/", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["a.png", "b.png"]
    for name, size_wh in {"a": (128, 96), "b": (61, 47)}.items():
        drawn = cv2.imread(str(tmp_path / "o" / f"{name}.png"))
        assert drawn.shape == (size_wh[1], size_wh[0], 3)
        assert (drawn != cv2.imread(str(images / f"{name}.png"))).mean() > 0.5
    outputs = json.loads((tmp_path / "r.json").read_text())["outputs"]
    assert outputs["out"] == {
        "path": f"{tmp_path}/o/", "files": 2, "dropped": 0, "error": None
    }  # fmt: skip


@pytest.mark.parametrize("name", ["one.png", "one.JPG", "one.webp", "one.bmp"])
def test_one_image_becomes_one_picture(
    name: str, run_here: Run, color_bundle: Path, images: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--images", images / "a.png", "--bundle", color_bundle, *ENGINE, *WORDS,
        "--out", tmp_path / name,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert cv2.imread(str(tmp_path / name)).shape == (96, 128, 3)
    assert f"pictures  {tmp_path / name}" in done.stdout


def test_one_picture_of_several_frames_is_the_first_and_says_so(
    run_here: Run, color_bundle: Path, images: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--images", images, "--bundle", color_bundle, *ENGINE, *WORDS, "--out", tmp_path / "o.png"
    )
    assert done.returncode == 0 and "holds the first frame only" in done.stderr
    assert cv2.imread(str(tmp_path / "o.png")).shape == (96, 128, 3)


def test_every_nth_frame_as_a_picture_beside_the_video(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE, *WORDS, "--out", tmp_path / "o.mp4",
        "--pictures", tmp_path / "p", "--picture-every", 5,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    names = ["000000.png", "000005.png", "000010.png"]
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == names
    film = read_video(tmp_path / "o.mp4")[0]
    assert len(film) == 12
    fifth = cv2.imread(str(tmp_path / "p" / "000005.png"))
    assert fifth.shape == (*SIZE_WH[::-1], 3)
    assert np.abs(fifth.astype(int) - film[5]).mean() < 8  # the same picture, but for H.264
    assert np.abs(fifth.astype(int) - film[0]).mean() > np.abs(fifth.astype(int) - film[5]).mean()


def sink_of(flag: str, path: str) -> OverlayPictures:
    if flag == "--out":
        sink = OverlayVideo.from_options(OverlayVideo.Options(out=path))
    else:
        sink = OverlayPictures.from_options(OverlayPictures.Options(pictures=path))
    assert isinstance(sink, OverlayPictures) and sink.flag == flag
    return sink


@pytest.mark.parametrize("flag", ["--out", "--pictures"])
@pytest.mark.parametrize(
    ("path", "images", "says"),
    [
        ("in/", ["in/a.png"], "would overwrite the input in/a.png"),
        ("new/", ["in/a.png", "in/a.jpg"], "would both be written to a.png"),
        ("in/a.png", ["in/a.png"], "in/a.png is an input of this run"),
        ("bundle/new/", [], "lies in the bundle"),
        ("taken/", [], "--label-dir and {flag} name the same folder"),
        ("file/", [], "is not a folder"),
    ],
)
def test_what_is_refused(
    flag: str,
    path: str,
    images: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in", "bundle"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "in" / "a.png").touch()
    claims = Claims(images, "bundle", images)
    claims.claim_folder("--label-dir", "taken")
    with pytest.raises(UserError, match=says.format(flag=flag)):
        sink_of(flag, path).check(claims)
    assert not (tmp_path / "new").exists()


def test_a_folder_without_its_slash_is_not_taken_for_a_video(tmp_path: Path) -> None:
    sink = OverlayVideo.from_options(OverlayVideo.Options(out=str(tmp_path)))
    assert sink is not None
    with pytest.raises(UserError, match=f"for pictures in it give {tmp_path}/"):
        sink.check(Claims([], "no-bundle"))


def test_an_interval_needs_pictures() -> None:
    with pytest.raises(UserError, match="--picture-every needs --pictures"):
        OverlayPictures.from_options(OverlayPictures.Options(picture_every=2))
