"""Fixtures for the command: a real bundle, real clips, ``mgca-rt`` in this process or its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import (
    Run,
    command_environment,
    started_processes,
    without_progress,
)


@pytest.fixture(scope="session")
def color_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle whose model knows colors; see :mod:`tests.support.color_bundle`."""
    pytest.importorskip("onnx")
    from tests.support.color_bundle import build_color_bundle

    return build_color_bundle(tmp_path_factory.mktemp("bundles") / "colors")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames at 12 frames/s."""
    from tests.support.clips import write_clip

    return write_clip(tmp_path_factory.mktemp("clips") / "drive.mp4")


@pytest.fixture(scope="session")
def camera_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a camera encodes: no B-frames, a key frame (with its parameters) twice a second."""
    from tests.support.clips import write_clip

    path = tmp_path_factory.mktemp("rtsp") / "cam.h264"
    options = {"g": "10", "bf": "0", "x264-params": "repeat-headers=1"}
    return write_clip(path, 60, fps=20, options=options)


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Run ``mgca-rt`` in this process, in an empty folder, without a screen."""
    from runtime.cli import session
    from runtime.cli.entry import main

    folder = tmp_path / "cwd"
    folder.mkdir()
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    def refuse(code: int) -> None:
        raise AssertionError(f"a hanging read would have ended this process with {code}")

    monkeypatch.setattr(session, "leave_at_once", refuse)

    def run(*arguments: object, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        capfd.readouterr()
        typed = [str(argument) for argument in arguments]
        code = main(typed)
        stdout, stderr = capfd.readouterr()
        return subprocess.CompletedProcess(typed, code, stdout, without_progress(stderr))

    return run


@pytest.fixture
def run_cli(tmp_path: Path) -> Run:
    """Run ``mgca-rt`` as a process of its own, in an empty folder."""
    folder = tmp_path / "own_cwd"
    folder.mkdir()

    def run(
        *arguments: object, timeout_s: float = 120, cwd: Path = folder
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "runtime", *map(str, arguments)],
            cwd=cwd,
            env=command_environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )
        done.stderr = without_progress(done.stderr)
        return done

    return run


@pytest.fixture
def start_cli(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``mgca-rt`` and leave it running; it is killed at the test's end at the latest."""
    with started_processes() as start_process:

        def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
            return start_process(
                [sys.executable, "-m", "runtime", *map(str, arguments)],
                cwd=tmp_path,
                env=command_environment(),
                # As a shell's background job: the child is born with SIGINT ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
                **options,
            )

        yield start
