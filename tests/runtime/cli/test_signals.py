"""Ctrl-C, SIGTERM, a kill, a terminal: what a process meets while it runs."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from runtime.cli.signals import StopSignals
from tests.support.clips import draw_scene, read_video, write_long_clip
from tests.support.processes import (
    ENGINE,
    command_environment,
    started_processes,
    without_progress,
)

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough to be busy for a while: 3000 frames."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return write_long_clip(path, 3000)


def wait_for_lines(path: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the JSON lines file has that many lines."""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate(timeout=60)
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} has not got {count} lines")


def start_long(start_cli: Start, bundle: Path, clip: Path, tmp_path: Path) -> subprocess.Popen[str]:
    process = start_cli(
        "--video", clip, "--bundle", bundle, *ENGINE,
        "--classes", "sky,tree,car", "--background", "none",
        "--out", tmp_path / "o.mp4", "--jsonl", tmp_path / "a.jsonl", "--label-dir", tmp_path / "l",
        "--report", tmp_path / "r.json", "--threads", 1,
    )  # fmt: skip
    wait_for_lines(tmp_path / "a.jsonl", 60, process)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_every_output(
    start_cli: Start, color_bundle, long_clip: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start_long(start_cli, color_bundle, long_clip, tmp_path)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130 and without_progress(stderr) == ""
    assert "stopped" in stdout
    count = len((tmp_path / "a.jsonl").read_text().splitlines())
    assert 60 <= count < 3000
    assert (
        len(list((tmp_path / "l").glob("*.png"))) == count == len(read_video(tmp_path / "o.mp4")[0])
    )
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["status"] == "interrupted" and record["frames_processed"] == count
    assert not [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_after_a_kill_the_video_plays(
    start_cli: Start, color_bundle, long_clip: Path, tmp_path: Path
) -> None:
    process = start_long(start_cli, color_bundle, long_clip, tmp_path)
    process.kill()
    process.communicate(timeout=120)
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    for line in lines:
        json.loads(line)
    images, times_s = read_video(tmp_path / "o.mp4")
    # All but the last fragment (half a second) and what the encoder still held.
    assert len(images) >= len(lines) - 40 and len(images) >= 15
    assert times_s == pytest.approx([i / 30 for i in range(len(images))], abs=1e-3)
    for path in (tmp_path / "l").glob("*.png"):
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == draw_scene(0).shape[:2]


def wait_for_handler(process: subprocess.Popen[str]) -> None:
    """Wait until the process handles SIGINT, with which it was born ignored."""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        if caught >> (signal.SIGINT - 1) & 1:
            return
        time.sleep(0.02)
    raise AssertionError("SIGINT is still ignored")


def test_a_signal_ends_waiting_for_a_camera(start_cli: Start, color_bundle, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("precious")
    process = start_cli(
        "--camera", 97, "--bundle", color_bundle, *ENGINE,
        "--classes", "car", "--reconnect-timeout", 60,
        "--out", tmp_path / "o.mp4", "--report", tmp_path / "r.json",
    )  # fmt: skip
    wait_for_handler(process)
    time.sleep(1)  # by then it waits; before that, the end would be the same
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in stderr
    assert not (tmp_path / "o.mp4").exists()


@pytest.mark.slow
def test_a_signal_ends_a_read_that_hangs(start_cli: Start, color_bundle, tmp_path: Path) -> None:
    """A network camera takes the call and says nothing: its read is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        process = start_cli(
            "--video", f"rtsp://127.0.0.1:{server.getsockname()[1]}/a", "--bundle", color_bundle,
            *ENGINE, "--classes", "car", "--jsonl", tmp_path / "a.jsonl",
            "--report", tmp_path / "r.json",
        )  # fmt: skip
        connection, _ = server.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, without_progress(stderr)) == (130, "")
    assert "stopped   by a signal" in stdout
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "interrupted"


@pytest.mark.parametrize("raised", [ImportError("initialization failed"), None])
def test_a_signal_that_a_library_swallows_ends_the_run_all_the_same(
    raised: Exception | None,
) -> None:
    """As the loading of some C extensions does."""
    stopping = StopSignals()

    def load() -> None:
        with stopping:
            try:
                signal.raise_signal(signal.SIGHUP)
            except KeyboardInterrupt:
                if raised is not None:
                    raise raised from None

    if raised is None:
        load()
    else:
        with pytest.raises(KeyboardInterrupt):
            load()
    assert stopping.event.is_set()


STUCK = """
import ctypes, sys, time
from runtime.cli import signals
with signals.StopSignals() as stopping:
    stopping.graceful = {graceful}
    signals.SAME_SIGNAL_S = {same_s}
    print("ready", flush=True)
    if {stuck}:  # a mutex taken twice, in C, where Python's handlers wait for ever
        library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(256)
        library.pthread_mutex_lock(mutex)
        library.pthread_mutex_lock(mutex)
    sys.stdin.readline()
    sys.exit(7 if stopping.event.is_set() else 8)
"""


def wait_until_asleep(process: subprocess.Popen[str]) -> None:
    """Wait until its main thread does nothing: ten looks in a row find it so."""
    end, found = time.monotonic() + 40, 0
    while found < 10:
        assert time.monotonic() < end, "it does not come to rest"
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        found = found + 1 if state == "S" else 0
        time.sleep(0.02)


@pytest.fixture
def start_stuck() -> Iterator[Start]:
    with started_processes() as start_process:

        def start(graceful: bool, same_s: float, stuck: bool) -> subprocess.Popen[str]:
            code = STUCK.format(graceful=graceful, same_s=same_s, stuck=stuck)
            command = [sys.executable, "-c", code]
            process = start_process(command, env=command_environment(), stdin=subprocess.PIPE)
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            wait_until_asleep(process)
            return process

        yield start


@pytest.mark.parametrize("graceful", [True, False])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_what_hangs_in_a_library(
    start_stuck: Start, graceful: bool, second: signal.Signals
) -> None:
    process = start_stuck(graceful, same_s=0.5, stuck=True)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(second)
    assert process.wait(20) == 130


def test_one_signal_sent_twice_is_one(start_stuck: Start) -> None:
    """As a terminal and a parent both do: outputs are still closed in order."""
    process = start_stuck(graceful=True, same_s=1e9, stuck=False)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.communicate("go on\n", timeout=20)
    assert process.returncode == 7


@pytest.mark.slow
def test_progress_on_a_terminal_only(
    start_cli: Start, color_bundle, long_clip: Path, tmp_path: Path
) -> None:
    """The bar comes after two seconds, on stderr, and the terminal's Ctrl-C ends the run well."""
    terminal, child_side = os.openpty()
    fcntl.ioctl(child_side, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = start_cli(
        "--video", long_clip, "--bundle", color_bundle, *ENGINE, "--classes", "sky,tree,car",
        "--label-dir", tmp_path / "l", "--out", tmp_path / "o.mp4", stderr=child_side,
    )  # fmt: skip
    os.close(child_side)
    shown = b""
    end = time.monotonic() + 30
    while b"frame/s" not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break  # the process has ended
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=120)
    os.close(terminal)
    assert b"/3000" in shown and "areas" in stdout
