"""``mgca-rt`` as a process: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.backends import BACKEND_NAMES
from runtime.cli.config import RunningConfig, WordsConfig
from runtime.cli.opening import load_model, make_segmenter
from tests.support.clips import SIZE_WH, draw_scene, read_video, scene_labels, write_clip
from tests.support.processes import ENGINE, LIMIT_S, REPOSITORY, Run, command_environment

STAGES = ["capture", "preprocess", "infer", "postprocess", "total"]
WORDS = ("--classes", "sky,tree,car", "--background", "none")


def read_labels(path: Path) -> np.ndarray:
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert labels.dtype == np.uint8 and labels.ndim == 2
    return labels


def test_a_video_into_every_output(run_cli: Run, color_bundle, clip: Path, tmp_path: Path) -> None:
    mask_tools = pytest.importorskip("pycocotools.mask")
    out, label_dir, jsonl, report = (tmp_path / n for n in ("o.mp4", "new/l", "a.jsonl", "r.json"))
    done = run_cli(
        "--video", clip, "--bundle", color_bundle, *WORDS, "--out", out, "--label-dir", label_dir,
        "--jsonl", jsonl, "--rle", "--report", report, "--threads", 1, *ENGINE,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert str(out) in done.stdout and "car" in done.stdout and "frames/s" in done.stdout

    assert sorted(p.name for p in label_dir.glob("*.png")) == [f"{i:06d}.png" for i in range(12)]
    lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(12))
    for line in lines:
        labels = read_labels(label_dir / f"{line['frame']:06d}.png")
        assert labels.shape == SIZE_WH[::-1]
        assert (labels == scene_labels(line["frame"])).mean() > 0.93
        assert list(line) == ["frame", "source", "time_s", "size_wh", "classes", "latency_ms"]
        assert line["source"] == str(clip)
        assert line["time_s"] == pytest.approx(line["frame"] / 12, abs=1e-5)
        assert line["size_wh"] == list(SIZE_WH) and list(line["latency_ms"]) == STAGES
        assert [entry["name"] for entry in line["classes"]] == ["sky", "tree", "car"]
        for value, entry in enumerate(line["classes"]):
            assert entry["area"] == pytest.approx((labels == value).mean(), abs=1e-6)
            assert (mask_tools.decode(entry["rle"]) == (labels == value)).all()

    images, times_s = read_video(out)
    assert times_s == pytest.approx([i / 12 for i in range(12)], abs=1e-4)
    assert images[0].shape == (96, 128, 3)

    record = json.loads(report.read_text())
    counts = {key: record[key] for key in record if key.startswith("frames_")}
    assert counts == {
        "frames_in": 12, "frames_processed": 12, "frames_dropped": 0, "frames_skipped": 0,
        "frames_spared": 0, "frames_unfinished": 0,
    }  # fmt: skip
    assert record["status"] == "done" and record["reconnects"] == 0
    assert set(STAGES) <= set(record["stages_ms"])
    assert list(record["stages_ms"]["total"]) == ["p50", "p90", "p95", "p99"]
    assert record["provider"] and record["backend"]
    assert record["bundle_id"].startswith("colors") and record["peak_rss_mib"] > 10
    assert record["fps"] > 0 and record["classes"] == ["sky", "tree", "car"]


def test_still_frames_are_spared_and_counted(run_here: Run, color_bundle, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number, scene in enumerate((3, 3, 3, 9, 9)):
        cv2.imwrite(str(images / f"{number}.png"), draw_scene(scene, (128, 96)))
    flags = ("--images", images, "--bundle", color_bundle, *ENGINE, *WORDS)
    outputs = ("--label-dir", tmp_path / "l", "--jsonl", "-", "--report", tmp_path / "r.json")
    done = run_here(*flags, *outputs, "--skip-still", "on")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("spared") for line in lines] == [None, True, True, None, True]
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["frames_processed"] == 5 and record["frames_spared"] == 3
    assert "5 frames, 3 spared; " in done.stderr
    labels = [(tmp_path / "l" / f"{number}.png").read_bytes() for number in range(5)]
    assert labels[0] == labels[1] == labels[2] != labels[3] == labels[4]
    # Of files and images, every frame is run unless it is asked for.
    run_here(*flags, "--report", tmp_path / "plain.json")
    assert json.loads((tmp_path / "plain.json").read_text())["frames_spared"] == 0


def test_images_of_many_sizes(run_here: Run, color_bundle, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    sizes = {"f10": (128, 96), "f2": (61, 47), "f1": (320, 200)}
    for name, size_wh in sizes.items():
        cv2.imwrite(str(images / f"{name}.png"), draw_scene(3, size_wh))
    (images / "f3.png").write_bytes(b"broken")
    done = run_here(
        "--images", images, "--bundle", color_bundle, *ENGINE,
        *WORDS, "--label-dir", tmp_path / "l",
        "--jsonl", "-", "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 0
    warnings = sorted(line for line in done.stderr.splitlines() if "warning" in line)
    assert len(warnings) == 2 and "f3.png" in warnings[0] and "size changed" in warnings[1]
    lines = [json.loads(line) for line in done.stdout.splitlines()]  # the summary is on stderr
    assert [line["size_wh"] for line in lines] == [[320, 200], [61, 47], [128, 96]]
    assert [line["source"] for line in lines] == [str(images / f"f{i}.png") for i in (1, 2, 10)]
    assert [line["frame"] for line in lines] == [0, 1, 3]  # as in the folder: f3 is unreadable
    for name, size_wh in sizes.items():
        assert read_labels(tmp_path / "l" / f"{name}.png").shape == size_wh[::-1]
    assert len(read_video(tmp_path / "o.mp4")[0]) == 3
    assert json.loads((tmp_path / "r.json").read_text())["unreadable"] == 1


def test_background_and_threshold_make_255(run_here: Run, color_bundle, clip, tmp_path) -> None:
    """Asked for the car alone, the model must not paint the sky as a car."""
    run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE,
        "--classes", "car", "--background", "sky,tree",
        "--max-frames", 1, "--label-dir", tmp_path / "l",
    )  # fmt: skip
    labels = read_labels(tmp_path / "l" / "000000.png")
    assert set(np.unique(labels)) == {0, 255}
    assert ((labels == 0) == (scene_labels(0) == 2)).mean() > 0.93


def test_a_threshold_leaves_doubtful_pixels_to_nobody(
    run_here: Run, color_bundle, clip: Path, tmp_path: Path
) -> None:
    run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE, *WORDS,
        "--max-frames", 1, "--label-dir", tmp_path / "l", "--threshold", 1,
    )  # fmt: skip
    labels = read_labels(tmp_path / "l" / "000000.png")
    doubtful = labels == 255  # without a threshold and a background, no pixel is
    assert 0 < doubtful.mean() < 0.2 and not doubtful[:24].any()  # borders, not the sky


def test_the_segmenter_is_as_the_config_asks(color_bundle: Path) -> None:
    words = WordsConfig(units="pixel", threshold=0.25, background="none")
    running = RunningConfig(bundle=str(color_bundle), backend="onnxruntime-cpu", threads=1)
    with load_model(running) as model:
        segmenter = make_segmenter(model, words, ["car", "sky"])
        assert (segmenter.units, segmenter.threshold) == ("pixel", 0.25)
        assert segmenter.class_names == ("car", "sky")
        assert segmenter.backend.name == "onnxruntime-cpu"


def test_synonyms_and_classes_file(run_here: Run, color_bundle, clip: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeff# what the camera sees\nabove = sky\n\nbelow=tree|sand # both\ncar\n")
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE,
        "--classes-file", words, "--background", "none",
        "--label-dir", tmp_path / "l", "--every", 5, "--units", "pixel",
    )  # fmt: skip
    assert done.returncode == 0 and "above" in done.stdout
    names = sorted(p.name for p in (tmp_path / "l").glob("*.png"))
    assert names == ["000000.png", "000005.png", "000010.png"]
    assert (read_labels(tmp_path / "l" / "000005.png") == scene_labels(5)).mean() > 0.93


def test_a_cut_off_video_ends_well_with_a_warning(run_here: Run, color_bundle, tmp_path) -> None:
    whole = write_clip(
        tmp_path / "w.mp4", 40, options={"g": "8"}, container_options={"movflags": "faststart"}
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    done = run_here(
        "--video", cut, "--bundle", color_bundle, *ENGINE, *WORDS, "--out", tmp_path / "o.mp4"
    )
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1 and "cut off" in done.stderr
    assert 5 < len(read_video(tmp_path / "o.mp4")[0]) < 40


def test_quiet_is_quiet_and_outputs_are_replaced(
    run_here: Run, color_bundle, clip, tmp_path
) -> None:
    (tmp_path / "a.jsonl").write_text("old\n" * 1000)
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE,
        *WORDS, "--jsonl", tmp_path / "a.jsonl",
        "--quiet",
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 12
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_a_printed_config_makes_the_same_run(
    run_here: Run, color_bundle, clip: Path, tmp_path: Path
) -> None:
    flags = ("--video", clip, "--bundle", color_bundle, *ENGINE, *WORDS, "--every", 4)
    flags += ("--smooth", "off")  # else a frame's labels depend on those before it
    names = ("--label-dir", tmp_path / "straße", "--jsonl", "-")
    by_flags = run_here(*flags, *names)
    printed = run_here(*flags, *names, "--print-config")
    assert (printed.returncode, printed.stderr) == (0, "")
    (tmp_path / "site.toml").write_text(printed.stdout, encoding="utf-8")
    other = tmp_path / "other"
    by_file = run_here("--config", tmp_path / "site.toml", "--label-dir", other, "--every", 2)
    assert by_flags.returncode == by_file.returncode == 0
    folders = (tmp_path / "straße", other)
    labels = [{p.name: p.read_bytes() for p in folder.glob("*.png")} for folder in folders]
    assert list(labels[0]) and labels[0].items() < labels[1].items()  # flags win: twice as many
    assert [len(done.stdout.splitlines()) for done in (by_flags, by_file)] == [3, 6]


def test_a_printed_config_is_utf8_whatever_stdout_takes(run_cli: Run, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("PYTHONUTF8", "1")
    done = run_cli("--classes", "straße,猫", "--print-config")
    assert done.returncode == 0 and 'classes = "straße,猫"' in done.stdout


def test_help_and_version_are_quick_and_load_nothing() -> None:
    code = (
        "import sys; from runtime.cli.entry import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as e: assert not e.code\n"
        "main(['--version'])\n"
        "heavy = {'numpy', 'cv2', 'av', 'onnxruntime', 'torch', 'tqdm'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=command_environment(), cwd=REPOSITORY,
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for flag in (
        "--camera", "--video", "--images", "--bundle", "--classes", "--classes-file",
        "--background", "--threshold", "--units", "--allow-unknown", "--out", "--label-dir",
        "--overwrite", "--pictures", "--picture-every",
        "--jsonl", "--rle", "--report", "--show", "--backend", "--reconnect-timeout", "--threads",
        "--max-frames", "--debug", "--quiet", "--version", "--strict", "--config", "--print-config",
    ):  # fmt: skip
        assert flag in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("mgca-rt ")
    named = set(re.findall(r"[a-z][a-z0-9-]+", done.stdout.partition("backends, for")[2]))
    assert set(BACKEND_NAMES) <= named


@pytest.mark.camvid
@pytest.mark.slow
def test_all_frames_of_the_real_drive(run_cli: Run, camvid_root: Path, tmp_path: Path) -> None:
    """With the shipped bundle: 101 frames, each with a label image of its size."""
    from runtime.demo import DEMO_BUNDLE

    if not (DEMO_BUNDLE / "manifest.json").is_file():
        pytest.skip("the demo bundle is not built yet (make demo-assets)")
    frames = camvid_root / "frames"
    done = run_cli(
        "--images", frames, "--classes", "sky,building,road,tree,car,person", "--label-dir",
        tmp_path / "l", "--jsonl", tmp_path / "a.jsonl", "--report", tmp_path / "r.json", "--out",
        tmp_path / "o.mp4", timeout_s=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    stems = {p.stem for p in frames.glob("*.jpg")}
    assert {p.stem for p in (tmp_path / "l").glob("*.png")} == stems and len(stems) == 101
    assert all(read_labels(p).shape == (360, 480) for p in (tmp_path / "l").glob("*.png"))
    images, times_s = read_video(tmp_path / "o.mp4")
    assert len(images) == 101 and times_s[1] == pytest.approx(1 / 15, abs=1e-4)
    assert json.loads((tmp_path / "r.json").read_text())["frames_processed"] == 101


@pytest.mark.slow
def test_without_arguments_the_demo_runs(run_cli: Run, tmp_path: Path) -> None:
    from runtime.demo import DEMO_BUNDLE, DEMO_CLASSES, demo_clip

    if not (DEMO_BUNDLE / "manifest.json").is_file():
        pytest.skip("the demo bundle is not built yet (make demo-assets)")
    done = run_cli(timeout_s=300)
    assert (done.returncode, done.stderr) == (0, "")
    written = tmp_path / "own_cwd" / "mgca-demo.mp4"
    assert str(written) in done.stdout and "frames/s" in done.stdout
    assert all(name in done.stdout for name in DEMO_CLASSES)
    assert len(read_video(written)[0]) == len(read_video(demo_clip())[0])
