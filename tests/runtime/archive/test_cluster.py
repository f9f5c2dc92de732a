"""The whole command on a Ray of this machine, two workers, one of them killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import GROUPS, write_group
from tests.support.processes import (
    ENGINE,
    command_environment,
    end_process,
    started_processes,
)

pytestmark = pytest.mark.slow
WORDS = ("--classes", "sky,tree,car", "--background", "none", "--smooth", "off")
WAIT_S = 240.0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two clips, one of them in a folder below and with a blank in its name, and what is none."""
    pytest.importorskip("ray", reason="comes with the extra ray")
    folder = tmp_path / "videos"
    (folder / "day 2").mkdir(parents=True)
    write_group(folder, GROUPS[1], 400)
    write_group(folder / "day 2", GROUPS[3], 100, seed=1)
    (folder / "broken.mp4").write_bytes(b"no video" * 200)
    (folder / "notes.txt").write_text("no video either, and no one takes it for one")
    return folder


def command(archive: Path, bundle: Path, out: Path, *more: object) -> list[str]:
    flags = ["--videos", archive, "--out", out, "--bundle", bundle, *ENGINE, *WORDS]
    flags += ["--workers", "2", "--piece", "1s", *more]
    return [sys.executable, "-m", "runtime.archive", *map(str, flags)]


def environment(mark: Path) -> dict[str, str]:
    """That of a command, by which its workers are known."""
    return {**command_environment(), "MGCA_CACHE": str(mark)}


def workers_of(mark: Path) -> list[int]:
    """Processes of Ray's that label, of the run with this mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            said = (folder / "environ").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::MapWorker") and f"MGCA_CACHE={mark}\0".encode() in said:
            found.append(int(folder.name))
    return found


def await_end(mark: Path) -> list[str]:
    """Any process that is left of the run a while after it; a worker sees it with a delay."""
    until = time.monotonic() + 60
    while (left := remains_of(mark)) and time.monotonic() < until:
        time.sleep(0.5)
    return left


def remains_of(mark: Path) -> list[str]:
    """Any process of the run."""
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"MGCA_CACHE={mark}\0".encode() in (folder / "environ").read_bytes():
                left.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return left


def outputs(out: Path) -> dict[str, Any]:
    """Every output but the summaries, as bytes."""
    paths = [path for path in out.rglob("*") if path.is_file() and path.parent != out]
    return {str(p.relative_to(out)): p.read_bytes() for p in paths if p.suffix != ".json"}


def wait_for(found: Any, process: subprocess.Popen[str]) -> Any:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and process.poll() is None:
        if what := found():
            return what
        time.sleep(0.02)
    process.kill()
    raise AssertionError(process.communicate(timeout=30))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds workers in /proc")
def test_a_killed_worker_changes_no_byte(archive: Path, color_bundle: Path, tmp_path: Path) -> None:
    whole, out, mark = tmp_path / "whole", tmp_path / "out", tmp_path / "cache"
    with started_processes() as start:
        kind = {"env": environment(mark), "cwd": tmp_path}
        process = start(command(archive, color_bundle, out), **kind)
        done = wait_for(lambda: list((out / ".pieces").rglob("00*.json")), process)
        assert not list(out.rglob("video.json")), "all was done before the worker was killed"
        [victim, *_] = wait_for(lambda: workers_of(mark), process)
        os.kill(victim, signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1, stderr  # the file that is no video, and it alone
    assert done and "2 of 3 videos are labelled" in stdout
    lines = (out / "failures.jsonl").read_text().splitlines()
    [failure] = map(json.loads, lines)
    assert failure["video"] == "broken.mp4" and "not a video" in failure["reason"]
    assert set(outputs(out)) == {
        f"{name}/{file}"
        for name in ("open.mp4", "day 2/open.ts")
        for file in ("labels.mkv", "areas.parquet")
    }
    assert not list((out / ".pieces").rglob("*.mkv"))
    assert await_end(mark) == []

    (archive / "broken.mp4").unlink()
    again = subprocess.run(  # what is finished is passed over
        command(archive, color_bundle, out), env=environment(mark), cwd=tmp_path,
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert again.returncode == 0 and "(2 were before), 0 frames" in again.stdout, again.stderr
    assert not (out / ".pieces").exists() and not (out / "failures.jsonl").read_bytes()

    from runtime.archive.cuts import WHOLE
    from runtime.archive.entry import _read_job, build_parser  # one process, no Ray, no cuts
    from runtime.archive.videos import list_videos
    from runtime.archive.worker import ArchiveWorker

    typed = command(archive, color_bundle, whole, "--piece", "1h")[3:]
    job = _read_job(build_parser().parse_args(typed))
    worker = ArchiveWorker(job)
    for video in list_videos([str(archive)], str(whole)):
        worker.label_row(video, [WHOLE])
    assert outputs(out) == outputs(whole)


def test_it_ends_in_order_when_asked_to(archive: Path, color_bundle: Path, tmp_path: Path) -> None:
    out, mark = tmp_path / "out", tmp_path / "cache"
    with started_processes() as start:
        typed = command(archive, color_bundle, out)
        process = start(typed, env=environment(mark), cwd=tmp_path)
        wait_for(lambda: list((out / ".pieces").rglob("00*.json")), process)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=WAIT_S)
        end_process(process)
    assert process.returncode == 130, stderr
    assert await_end(mark) == []
