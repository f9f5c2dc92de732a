"""Bad input: one line on stderr, the right exit code, no traceback, and nothing damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from tests.support.clips import draw_scene, write_clip
from tests.support.processes import ENGINE, Run, command_environment

CAR = ("--classes", "car")
# One engine by name: most cases need none, and "auto" would try them all in each process.
BUNDLE = "--bundle bundle --backend onnxruntime-cpu"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory, color_bundle: Path) -> Path:
    """A folder with good and bad things, compared before and after each command."""
    folder = tmp_path_factory.mktemp("bad")
    shutil.copytree(color_bundle, folder / "bundle")
    write_clip(folder / "clip.mp4", 6)
    (folder / "text.mp4").write_text("not a video\n" * 100)
    (folder / "file").write_text("precious")
    (folder / "latin.txt").write_bytes(b"caf\xe9\n")
    (folder / "none.txt").write_text("# nothing\n")
    (folder / "bad.toml").write_text("[words]\nclases = 'car'\n")
    (folder / "good.toml").write_text("[sources]\nvideo = 'clip.mp4'\n[words]\nclasses = 'car'\n")
    for name in ("a.png", "a.jpg"):
        (folder / "twins").mkdir(exist_ok=True)
        cv2.imwrite(str(folder / "twins" / name), draw_scene(0))
    (folder / "pngs").mkdir()
    cv2.imwrite(str(folder / "pngs" / "a.png"), draw_scene(0))
    (folder / "broken").mkdir()
    (folder / "broken" / "a.png").write_bytes(b"x")
    (folder / "empty").mkdir()

    def spoil(name: str, change: Callable[[Path], object]) -> None:
        shutil.copytree(color_bundle, folder / name)
        change(folder / name)

    spoil("b-missing", lambda b: (b / "segmenter.onnx").unlink())
    spoil("b-changed", lambda b: (b / "segmenter.onnx").write_bytes(b"x" * 9))
    spoil("b-foreign", lambda b: (b / "model.pt").write_bytes(b"x"))
    spoil("b-other", lambda b: (b / "manifest.json").write_text(json.dumps({"format": "other"})))
    return folder


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
    }


# What is typed (in the scratch folder; {B}: the bundle is added), the exit code, words of the line.
CASES: list[tuple[str, int, str]] = [
    ("--clases car", 2, "did you mean --classes"),
    ("--frobnicate", 2, "--frobnicate"),
    ("clip.mp4", 2, "--video clip.mp4"),
    ("--video clip.mp4 --video gone.mp4 --classes car", 2, "gone.mp4 does not exist"),
    ("--video clip.mp4 --images pngs --classes car --jsonl a.jsonl", 2, "with {name} in it"),
    ("--config gone.toml", 2, "gone.toml"),
    ("--config bad.toml {B}", 2, "did you mean classes?"),
    ("--config good.toml --out good.toml {B}", 2, "input"),
    ("--video", 2, "--video"),
    ("--video clip.mp4", 2, "--classes person,car"),
    ("--video clip.mp4 --classes , {B}", 2, "empty"),
    ("--video clip.mp4 --classes car,car {B}", 2, "'car' is there twice"),
    ("--video clip.mp4 --classes cra {B}", 2, "car"),
    ("--video clip.mp4 --classes-file none.txt {B}", 2, "none.txt"),
    ("--video clip.mp4 --classes-file latin.txt {B}", 2, "UTF-8"),
    ("--video clip.mp4 --classes-file gone.txt {B}", 2, "gone.txt"),
    ("--video clip.mp4 --classes car --classes-file none.txt {B}", 2, "--classes-file"),
    ("--video clip.mp4 --classes car --background car {B}", 2, "car"),
    ("--video clip.mp4 --classes car --background zebra {B}", 2, "zebra"),
    ("--video gone.mp4 --classes car {B}", 2, "gone.mp4"),
    ("--video text.mp4 --classes car {B}", 2, "not a video"),
    ("--video pngs --classes car {B}", 2, "--images pngs"),
    ("--video warp://host/a --classes car {B}", 2, "warp"),
    ("--images gone --classes car {B}", 2, "gone"),
    ("--images empty --classes car {B}", 2, "holds no image"),
    ("--images pngs/*.tif --classes car {B}", 2, "matches no file"),
    ("--images twins --classes car --label-dir new {B}", 2, "a.png"),
    ("--images pngs --classes car --label-dir pngs {B}", 2, "overwrite"),
    ("--camera 97 --classes car --reconnect-timeout 0.3 {B}", 3, "camera 97"),
    ("--camera webcam --classes car {B}", 2, "webcam"),
    ("--camera 97 --camera-format YUV --classes car {B}", 2, "four letters"),
    ("--camera 97 --camera-fps 0 --classes car {B}", 2, "0.01 to 1000"),
    ("--test-pattern", 2, "--test-pattern needs the classes"),
    ("--test-pattern big --classes car {B}", 2, "expected WxH or WxH@FPS"),
    ("--test-pattern --loop --classes car {B}", 2, "--loop is for"),
    ("--stdin 64x48:h264 --classes car {B}", 2, "format h264 is not known"),
    ("--stdin 65x48:nv12 --classes car {B}", 2, "even"),
    ("--gstreamer= --classes car {B}", 2, "--gstreamer is empty"),
    ("--gstreamer nosuchsrc!appsink!appsink --classes car {B}", 2, "--gstreamer"),
    ("--video rtsp://127.0.0.1:1/a --classes car --reconnect-timeout 0.3 {B}", 3, "rtsp://"),
    ("--video clip.mp4 --classes car --bundle gone", 2, "gone"),
    ("--video clip.mp4 --classes car,car --bundle gone", 2, "'car' is there twice"),
    ("--video clip.mp4 --classes car --bundle pngs", 2, "not a bundle"),
    ("--video clip.mp4 --classes car --bundle b-missing", 2, "segmenter.onnx"),
    ("--video clip.mp4 --classes car --bundle b-changed", 2, "segmenter.onnx"),
    ("--video clip.mp4 --classes car --bundle b-foreign", 2, "model.pt"),
    ("--video clip.mp4 --classes car --bundle b-other", 2, "manifest.json"),
    ("--video clip.mp4 --classes car --bundle bundle --backend abacus", 2, "abacus"),
    ("--video clip.mp4 --classes car --out clip.mp4 {B}", 2, "input"),
    ("--video clip.mp4 --classes car --report clip.mp4 {B}", 2, "input"),
    ("--video clip.mp4 --classes car --report bundle/manifest.json {B}", 2, "in the bundle"),
    ("--video clip.mp4 --classes car --label-dir bundle {B}", 2, "in the bundle"),
    ("--video clip.mp4 --classes car --jsonl bundle/sub/a.jsonl {B}", 2, "in the bundle"),
    ("--video clip.mp4 --classes car --jsonl x --report x {B}", 2, "same file"),
    ("--video clip.mp4 --classes car --out file/a.mp4 {B}", 2, "not a folder"),
    ("--video clip.mp4 --classes car --out pngs {B}", 2, "folder"),
    ("--video clip.mp4 --classes car --out film.avi {B}", 2, ".mp4"),
    ("--video clip.mp4 --classes car --out /no-such-place/a/b.mp4 {B}", 2, "/no-such-place"),
    ("--video clip.mp4 --classes car --label-dir file {B}", 2, "not a folder"),
    ("--video clip.mp4 --classes car --label-dir /proc/x {B}", 2, "/proc"),
    ("--video clip.mp4 --classes car --jsonl /dev/full {B}", 1, "No space left"),
    ("--video clip.mp4 --classes car --out /dev/full {B}", 1, "No space left"),
    ("--video clip.mp4 --classes car --rle {B}", 2, "--jsonl"),
    ("--video clip.mp4 --classes car --objects {B}", 2, "--jsonl"),
    ("--video clip.mp4 --classes car --zone a=0,0{_}1,1 {B}", 2, "expected 3 to 64 points, not 2"),
    ("--video clip.mp4 --classes car --zone a=0,0{_}1,0{_}1,2 {B}", 2, "outside the picture"),
    (
        "--video clip.mp4 --classes car --zone a=0,0{_}1,0{_}1,1 --zone a=0,0{_}1,0{_}1,1 {B}",
        2,
        "'a' is there twice",
    ),
    ("--video clip.mp4 --classes car,tree --alert trees>0 {B}", 2, "did you mean tree?"),
    ("--video clip.mp4 --classes car --alert car {B}", 2, "expected one of > >= < <="),
    ("--video clip.mp4 --classes car --alert car>0{_}in{_}yard {B}", 2, "add --zone 'yard="),
    (
        "--video clip.mp4 --classes car --alert car>0{_}in{_}yart --zone yard=0,0{_}1,0{_}1,1 {B}",
        2,
        "did you mean yard?",
    ),
    ("--video clip.mp4 --classes car --snapshots s {B}", 2, "--alert"),
    ("--video clip.mp4 --classes car --alert car>0 --keep-snapshots 5 {B}", 2, "--snapshots"),
    ("--video clip.mp4 --classes car --alert car>0 --snapshots file {B}", 2, "not a folder"),
    ("--video clip.mp4 --classes car --alert car>0 --snapshots bundle {B}", 2, "in the bundle"),
    ("--video clip.mp4 --classes car --show {B}", 2, "--show"),
    ("--video clip.mp4 --classes car --threshold 1.5 {B}", 2, "0 to 1"),
    ("--video clip.mp4 --classes car --threshold nan {B}", 2, "0 to 1"),
    ("--video clip.mp4 --classes car --background-probability sigmoid {B}", 2, "give both"),
    ("--video clip.mp4 --classes car --units cube {B}", 2, "adaptive"),
    ("--video clip.mp4 --classes car --max-frames 0 {B}", 2, "whole number"),
]


@pytest.mark.parametrize(("typed", "code", "words"), CASES, ids=[case[0] for case in CASES])
def test_one_line_and_the_exit_code(
    typed: str, code: int, words: str, scratch: Path, run_here: Run
) -> None:
    before = snapshot(scratch)
    arguments = [one.replace("{_}", " ") for one in typed.replace("{B}", BUNDLE).split()]
    done = run_here(*arguments, cwd=scratch)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("mgca-rt: error: ")
    assert words in done.stderr and "Traceback" not in done.stderr and done.stdout == ""
    assert snapshot(scratch) == before


def test_only_broken_images(run_here: Run, scratch: Path) -> None:
    before = snapshot(scratch)
    done = run_here(
        "--images", "broken", *CAR, *BUNDLE.split(), "--out", "o.mp4", "--label-dir", "l",
        "--report", "file", cwd=scratch,
    )  # fmt: skip
    assert done.returncode == 2 and "none of the 1 files" in done.stderr.splitlines()[-1]
    assert snapshot(scratch) == before


def test_too_many_classes(run_here: Run, scratch: Path, clip: Path) -> None:
    many = ",".join(f"thing {i}" for i in range(255))
    done = run_here("--video", clip, "--classes", many, "--bundle", scratch / "bundle")
    assert done.returncode == 2 and "254" in done.stderr and done.stderr.count("\n") == 1


def test_debug_shows_the_traceback(run_here: Run, scratch: Path) -> None:
    done = run_here("--video", "gone.mp4", *CAR, "--debug", cwd=scratch)
    assert done.returncode == 2 and "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("mgca-rt: error: --video gone.mp4")


def test_stdout_whose_reader_leaves(scratch: Path, clip: Path) -> None:
    command = f"{sys.executable} -m runtime --video {clip} --classes car --jsonl - "
    command += BUNDLE
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1; exit ${{PIPESTATUS[0]}}"], cwd=scratch,
        # as most users have it: what could not be written waits in a buffer until Python ends
        env=command_environment() | {"PYTHONUNBUFFERED": ""},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["frame"] == 0
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_advice_names_flags_here_and_parameters_in_python(run_here: Run, scratch: Path) -> None:
    from runtime import Segmenter, UnknownClassError

    done = run_here(
        "--video", "clip.mp4", "--classes", "zzzz", *BUNDLE.split(), cwd=scratch
    )  # fmt: skip
    assert done.returncode == 2 and "or --allow-unknown to try it" in done.stderr
    segmenter = Segmenter.load(scratch / "bundle", "onnxruntime-cpu")
    with pytest.raises(UnknownClassError, match="or allow_unknown=True to try it") as caught:
        segmenter.set_classes(["zzzz"])
    assert "--" not in str(caught.value)


def test_who_took_no_bundle_is_told_of_the_one_that_knows_more(
    run_here: Run, scratch: Path
) -> None:
    done = run_here("--video", "clip.mp4", "--classes", "teapot", *ENGINE, cwd=scratch)
    assert done.returncode == 2 and "any English word: --bundle photo" in done.stderr
    own = run_here("--video", "clip.mp4", "--classes", "zzzz", *BUNDLE.split(), cwd=scratch)
    assert own.returncode == 2 and "--bundle photo" not in own.stderr
