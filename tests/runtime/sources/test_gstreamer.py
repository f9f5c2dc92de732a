"""GStreamer pipelines: their texts, what plays them, and what happens where nothing does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import UserError
from runtime.sources.gstreamer import APPSINK, complete_pipeline
from runtime.sources.gstreamer_library import find_fault
from tests.support.processes import (
    ENGINE,
    REPOSITORY,
    Run,
    command_environment,
    started_processes,
)
from tests.support.rtsp_process import RtspProcess, why_not
from tests.support.streams import LONG_S

PACKAGES = Path("/usr/lib/python3/dist-packages")
#: Debian's Python, whose OpenCV is built with GStreamer, as JetPack's is.
SYSTEM_PYTHON = Path("/usr/bin/python3")
PATTERN = "videotestsrc is-live=true ! video/x-raw,width=130,height=96,framerate=30/1"


def test_an_end_is_added_where_there_is_none() -> None:
    assert complete_pipeline(" v4l2src ! ") == (
        f"v4l2src ! videoconvert ! video/x-raw,format=BGR ! {APPSINK}"
    )
    assert complete_pipeline("a ! appsink") == f"a ! {APPSINK}"
    assert complete_pipeline("a ! appsink name=x ! b") == f"a ! {APPSINK} name=x ! b"
    kept = "a ! appsink drop=false max-buffers=4"
    assert complete_pipeline(kept) == kept


@pytest.mark.parametrize("text", ["", " ", "!", "a ! appsink t. ! appsink"])
def test_a_text_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--gstreamer"):
        complete_pipeline(text)


def has_pygobject() -> bool:
    """Whether this Python can load the system's PyGObject, built for the system's own."""
    if not (PACKAGES / "gi").is_dir() or shutil.which("gst-launch-1.0") is None:
        return False
    tag = f"cpython-{sys.version_info.major}{sys.version_info.minor}-"
    return any(tag in path.name for path in (PACKAGES / "gi").glob("_gi.*.so"))


with_pygobject = pytest.mark.skipif(
    not has_pygobject(), reason="needs GStreamer and PyGObject for this Python: python3-gi"
)


def environment_with_pygobject(folder: Path) -> dict[str, str]:
    """Of a child that can import ``gi``, as in a virtual environment with system packages."""
    (folder / "path").mkdir()
    (folder / "path" / "gi").symlink_to(PACKAGES / "gi")
    environment = command_environment()
    environment["PYTHONPATH"] += f"{os.pathsep}{folder / 'path'}"
    return environment


def run_with_pygobject(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in such an environment."""
    return subprocess.run(
        [sys.executable, "-m", "runtime", *map(str, arguments)],
        cwd=folder, env=environment_with_pygobject(folder), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.skipif("gi" in sys.modules, reason="PyGObject is there")
def test_where_nothing_plays_it_one_line_says_what_to_install(run_here: Run) -> None:
    import cv2

    try:
        import gi  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("PyGObject is there")
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        pytest.skip("this OpenCV plays pipelines")
    done = run_here("--gstreamer", "v4l2src ! fakesink", "--classes", "sky")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    for word in ("OpenCV is built without GStreamer", "python3-gi", "--system-site-packages"):
        assert word in done.stderr


@pytest.mark.slow
@with_pygobject
def test_gstreamer_says_what_is_wrong_with_a_text() -> None:
    """In a process of its own, as it is in a run: there GStreamer is opened before any engine."""
    texts = [
        complete_pipeline("videotestsrc"),
        complete_pipeline("videotestsrc ! nosuch"),
        complete_pipeline("videotestsrc foo=3"),
        "videotestsrc ! fakesink ! appsink",
    ]
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import json, sys; from {find_fault.__module__} import find_fault; "
            "print(json.dumps([find_fault(text) for text in json.loads(sys.argv[1])]))",
            json.dumps(texts),
        ],
        cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    right, unknown, without, twice = json.loads(told.stdout)
    assert right is None and unknown == 'no element "nosuch"'
    assert "foo" in without and twice is not None


@pytest.mark.slow
@with_pygobject
def test_the_command_plays_a_pipeline(color_bundle: Path, tmp_path: Path) -> None:
    done = run_with_pygobject(
        tmp_path, "--gstreamer", PATTERN, "--classes", "sky,tree", "--max-frames", 10, *ENGINE,
        "--bundle", color_bundle, "--jsonl", "-", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 10 and lines[0]["size_wh"] == [130, 96]  # rows are filled up
    source = json.loads((tmp_path / "r.json").read_text())["source"]
    assert (source["kind"], source["live"], source["fps"]) == ("gstreamer", True, 30)


@pytest.mark.slow
@with_pygobject
@pytest.mark.parametrize(
    ("pipeline", "code", "said"),
    [
        ("rtspsrc location=rtsp://me:S3cret@h/x ! nosuch", 2, 'refuses it (no element "nosuch")'),
        ("filesrc location=/nope ! decodebin", 3, "Resource not found"),
        ("rtspsrc location=rtsp://me:S3cret@127.0.0.1:9/x ! decodebin", 3, "has not appeared"),
        ("videotestsrc num-buffers=0", 3, "it gives no picture"),
    ],
)
def test_what_cannot_be_played_is_one_line(
    pipeline: str, code: int, said: str, color_bundle: Path, tmp_path: Path
) -> None:
    done = run_with_pygobject(
        tmp_path, "--gstreamer", pipeline, "--classes", "sky", *ENGINE, "--bundle", color_bundle,
        "--reconnect-timeout", 1,
    )  # fmt: skip
    assert done.returncode == code and len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr and "S3cret" not in done.stderr


@pytest.mark.slow
@with_pygobject
def test_a_pipeline_of_a_camera_that_is_killed_and_paused_is_played_again(
    color_bundle: Path, tmp_path: Path
) -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with RtspProcess() as camera, started_processes() as start:
        camera.start("160x120", "mjpeg")
        pipeline = f"rtspsrc location={camera.url} latency=0 protocols=tcp ! rtpjpegdepay ! jpegdec"
        process = start(
            [sys.executable, "-m", "runtime", "--gstreamer", pipeline, "--classes", "sky", *ENGINE,
             "--bundle", str(color_bundle), "--jsonl", "-"],
            cwd=tmp_path, env=environment_with_pygobject(tmp_path),
        )  # fmt: skip
        read_until(process, "frame")
        camera.kill()
        assert read_until(process, "event")["event"] == "source-lost"
        camera.start("320x240", "mjpeg")
        assert read_until(process, "event")["event"] == "source-back"
        assert read_until(process, "event")["to_wh"] == [320, 240]
        camera.pause()
        assert read_until(process, "event")["event"] == "source-stalled"
        camera.go_on()
        while read_until(process, "event")["event"] != "source-back":
            pass
        process.terminate()
        _, errors = process.communicate(timeout=LONG_S)
        assert process.returncode == 130 and "Traceback" not in errors


def read_until(process: subprocess.Popen[str], key: str) -> dict[str, Any]:
    """The next JSON line on its stdout that has this key."""
    assert process.stdout is not None
    for line in process.stdout:
        record = json.loads(line)
        if key in record:
            return record
    raise AssertionError(process.communicate(timeout=60)[1])


READ_TEN = f"""
import sys, threading
sys.modules["gi"] = None  # as where PyGObject is not installed
from runtime.sources import GStreamerSource
source, stop, frames = GStreamerSource({PATTERN!r}, 5.0), threading.Event(), []
source.open()
for frame in source.frames(stop):
    frames.append(frame)
    if len(frames) == 10:
        stop.set()
print(len(frames), *frames[0].size_wh, frames[0].image_bgr[5, 5].tolist(), source.hangs, source.fps)
"""


def system_opencv_plays() -> bool:
    asked = "import cv2; assert cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER)"
    if not SYSTEM_PYTHON.exists():
        return False
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", asked], capture_output=True, timeout=120, check=False
    )
    return done.returncode == 0


@pytest.mark.slow
def test_an_opencv_with_gstreamer_plays_a_pipeline(tmp_path: Path) -> None:
    if not system_opencv_plays():
        pytest.skip("needs an OpenCV with GStreamer: Debian's python3-opencv")
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", READ_TEN], capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout == "10 130 96 [255, 255, 255] False 30.0\n", done.stderr
