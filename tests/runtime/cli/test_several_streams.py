"""Several sources in one run: each with its own outputs and words, one model, one report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.clips import draw_scene
from tests.support.processes import ENGINE, Run


@pytest.fixture
def other_clip(clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(clip, tmp_path / "other.mp4"))


def test_each_stream_is_as_it_would_be_alone(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        cv2.imwrite(str(images / f"{number}.png"), draw_scene(3 * number, (64, 48)))
    words = ("--classes", "sky,tree,car", "--background", "none")
    outputs = ("--label-dir", "{name}/labels", "--jsonl", "{name}/frames.jsonl")
    flags = ("--bundle", color_bundle, *ENGINE, *words)
    together, alone = tmp_path / "together", tmp_path / "alone"
    for folder in (together, alone):
        folder.mkdir()
    done = run_here(
        "--video", clip, "--name", f"stills={images}", *flags, *outputs,
        "--report", "report.json", cwd=together,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, source in (("cam0", ("--video", clip)), ("stills", ("--images", images))):
        single = run_here(
            *source, *flags, *(one.replace("{name}", name) for one in outputs), cwd=alone
        )
        assert single.returncode == 0
        labels = sorted((alone / name / "labels").glob("*.png"))
        assert len(labels) == (12 if name == "cam0" else 3)
        for path in labels:
            other = together / name / "labels" / path.name
            assert np.array_equal(cv2.imread(str(path), -1), cv2.imread(str(other), -1))
        lines = [json.loads(one) for one in (together / name / "frames.jsonl").open()]
        assert {line["stream"] for line in lines} == {name}
        assert [line["frame"] for line in lines] == list(range(len(labels)))
    report = json.loads((together / "report.json").read_text())
    assert report["status"] == "done" and report["frames_processed"] == 15
    assert [one["stream"] for one in report["streams"]] == ["cam0", "stills"]
    assert [one["frames_processed"] for one in report["streams"]] == [12, 3]
    assert report["streams"][1]["source"]["kind"] == "images"
    assert report["fps"] > 0 and report["bundle_id"] == report["streams"][0]["bundle_id"]
    assert "cam0:" in done.stdout and "together  " in done.stdout and "15 frames" in done.stdout


def test_a_file_gives_each_stream_its_words(
    run_here: Run, color_bundle: Path, clip: Path, other_clip: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        f"[words]\nclasses = 'sky,tree,car'\n[outputs]\njsonl = '{tmp_path}/{{name}}.jsonl'\n"
        f"[[stream]]\nname = 'a'\nvideo = '{clip}'\nmax-frames = 2\n"
        f"[[stream]]\nname = 'b'\nvideo = '{other_clip}'\nclasses = 'car'\nmax-frames = 3\n"
    )
    done = run_here("--config", site, "--bundle", color_bundle, *ENGINE)
    assert done.returncode == 0, done.stderr
    lines = {name: (tmp_path / f"{name}.jsonl").read_text().splitlines() for name in "ab"}
    assert [len(lines[name]) for name in "ab"] == [2, 3]
    names = [[one["name"] for one in json.loads(lines[name][0])["classes"]] for name in "ab"]
    assert names == [["sky", "tree", "car"], ["car"]]


def test_a_stream_that_is_gone_ends_alone_and_gives_the_exit_code(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    done = run_here(
        "--name", f"here={clip}", "--name", "gone=rtsp://127.0.0.1:9/live", "--reconnect-timeout",
        0.2, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
        "--jsonl", tmp_path / "{name}.jsonl", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 3 and "127.0.0.1:9" in done.stderr
    assert len((tmp_path / "here.jsonl").read_text().splitlines()) == 12
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["status"] == "failed"
    assert [one["status"] for one in report["streams"]] == ["done", "failed"]
    assert "has not appeared" in report["streams"][1]["error"]


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        (("--out", "a.mp4"), "--out and --out name the same file a.mp4, with {name} in it"),
        (("--label-dir", "l"), "give each its own, with {name} in it"),
        (("--jsonl", "-"), "both write to stdout; name a file, with {name} in it"),
    ],
)
def test_two_streams_may_not_write_to_one_place(
    outputs: tuple[str, str], says: str, run_here: Run, color_bundle: Path, clip: Path
) -> None:
    done = run_here("--video", clip, "--video", clip, "--classes", "car", *outputs)
    assert done.returncode == 2 and says in done.stderr


def test_no_stream_writes_over_what_another_reads(
    run_here: Run, color_bundle: Path, clip: Path, other_clip: Path
) -> None:
    before = other_clip.read_bytes()
    done = run_here(
        "--video", clip, "--name", f"other={other_clip}", "--classes", "car",
        "--out", other_clip.parent / "{name}.mp4",
    )  # fmt: skip
    assert done.returncode == 2 and "is an input of this run" in done.stderr
    assert other_clip.read_bytes() == before
