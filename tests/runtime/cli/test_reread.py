"""SIGHUP reads the files of words again; without one it ends the run, as ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.cli.reread import HangupListener
from tests.support.clips import write_long_clip
from tests.support.processes import ENGINE
from tests.support.streams import LONG_S, wait_for

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return write_long_clip(path, 4000)


def wait_for_classes(path: Path, names: list[str], process: subprocess.Popen[str]) -> None:
    """Wait until the last whole line about a frame has these classes; events have lines too."""
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate(timeout=60)
        lines = path.read_text().splitlines()[:-1] if path.exists() else []
        frames = [line for line in lines[-20:] if line.startswith('{"frame"')]
        if frames and [one["name"] for one in json.loads(frames[-1])["classes"]] == names:
            return
        time.sleep(0.02)
    raise AssertionError(f"no line with {names}")


@pytest.mark.slow
def test_files_of_words_are_read_again(
    start_cli: Start, color_bundle: Path, long_clip: Path, tmp_path: Path
) -> None:
    words, lines = tmp_path / "words.txt", tmp_path / "a.jsonl"
    words.write_text("sky\ntree\n")
    process = start_cli(
        "--video", long_clip, "--bundle", color_bundle, *ENGINE, "--threads", 1,
        "--classes-file", words, "--background", "none", "--jsonl", lines,
    )  # fmt: skip
    wait_for_classes(lines, ["sky", "tree"], process)
    words.write_text("vehicle=car|sand\n")
    os.kill(process.pid, signal.SIGHUP)
    wait_for_classes(lines, ["vehicle"], process)
    words.write_text("treee\n")
    os.kill(process.pid, signal.SIGHUP)
    assert process.stderr is not None
    said = process.stderr.readline()
    while "SIGHUP" not in said:
        said = process.stderr.readline()
    assert "'treee' is unknown" in said and "tree" in said and "stay as they are" in said
    wait_for_classes(lines, ["vehicle"], process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.slow
@pytest.mark.parametrize("by_file", [True, False])
def test_a_config_is_read_again_and_without_files_the_run_ends(
    start_cli: Start, color_bundle: Path, long_clip: Path, tmp_path: Path, by_file: bool
) -> None:
    config, lines = tmp_path / "site.toml", tmp_path / "a.jsonl"
    config.write_text('[words]\nclasses = "sky,tree"\nbackground = "none"\n')
    source = ["--config", config] if by_file else ["--classes", "sky,tree", "--background", "none"]
    process = start_cli(
        "--video", long_clip, "--bundle", color_bundle, *ENGINE, "--threads", 1,
        *source, "--jsonl", lines,
    )  # fmt: skip
    wait_for_classes(lines, ["sky", "tree"], process)
    config.write_text('[words]\nclasses = "car"\nbackground = "none"\nthreshold = 0.25\n')
    os.kill(process.pid, signal.SIGHUP)
    if by_file:
        wait_for_classes(lines, ["car"], process)
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_signal_from_before_counts_and_the_thread_ends() -> None:
    hangup, heard = threading.Event(), threading.Event()
    hangup.set()
    with HangupListener(hangup, heard.set):
        wait_for(heard)
    with HangupListener(None, heard.set):
        pass
    assert "hangup" not in {thread.name for thread in threading.enumerate()}
