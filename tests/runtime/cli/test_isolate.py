"""``--isolate``: the same run, in which what decodes may crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clips import write_clip
from tests.support.processes import ENGINE, Run
from tests.support.streams import wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="--isolate needs Linux or macOS")

WORDS = ("--classes", "sky,tree,car", "--background", "none")


def find_decoders(parent: int) -> list[int]:
    """The processes that decode for a run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"decoder of " in title:
            found.append(int(folder.name))
    return sorted(found)


def wait_for_lines(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until some frames are through."""
    end = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") <= 5:
        assert process.poll() is None, process.communicate(timeout=60)
        assert time.monotonic() < end, "no frames come"
        time.sleep(0.05)


def test_the_outputs_are_the_same(
    run_here: Run, color_bundle: Path, clip: Path, tmp_path: Path
) -> None:
    written = []
    for flags in ((), ("--isolate",)):
        done = run_here(
            "--video", clip, "--bundle", color_bundle, *ENGINE, *WORDS, *flags,
            "--label-dir", tmp_path / "labels", "--overwrite", "--report", tmp_path / "r.json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        labels = sorted((tmp_path / "labels").glob("*.png"))
        report = json.loads((tmp_path / "r.json").read_text())
        counts = {key: report[key] for key in ("source", "frames_in", "mean_areas", "events")}
        written.append(([path.read_bytes() for path in labels], counts))
    assert written[0] == written[1] and len(written[0][0]) == 12


def test_raw_video_has_nothing_to_isolate(run_here: Run) -> None:
    done = run_here("--stdin", "4x4", "--classes", "car", "--isolate")
    assert done.returncode == 2 and "raw video has nothing to decode" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_stream_whose_decoder_is_killed_ends_alone(
    start_cli: Callable, color_bundle: Path, tmp_path: Path
) -> None:
    paths = [write_clip(tmp_path / f"{name}.mp4", 300, options={"preset": "ultrafast"})
             for name in "ab"]  # fmt: skip
    toml = tmp_path / "two.toml"
    tables = [f'[[stream]]\nname = "{path.stem}"\nvideo = "{path}"\n' for path in paths]
    toml.write_text(f"{tables[0]}isolate = true\n\n{tables[1]}")
    process = start_cli(
        "--config", toml, "--bundle", color_bundle, *ENGINE, *WORDS, "--threads", 1,
        "--jsonl", tmp_path / "{name}.jsonl", "--report", tmp_path / "r.json",
    )  # fmt: skip
    lines = tmp_path / "a.jsonl"
    wait_for_lines(lines, process)
    (decoder,) = find_decoders(process.pid)
    os.kill(decoder, signal.SIGKILL)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1 and "was killed (SIGKILL) after" in stderr
    one, other = json.loads((tmp_path / "r.json").read_text())["streams"]
    assert (one["status"], other["status"]) == ("failed", "done")
    assert other["frames_processed"] == 300 > one["frames_processed"] > 5
    assert one["events"]["counts"] == {"source-failed": 1}
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [line["event"] for line in written if "event" in line] == ["source-failed"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_decoder_outlives_the_run(
    start_cli: Callable, color_bundle: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start_cli(
        "--test-pattern", "64x48@100", "--name", "b=" + str(write_clip(tmp_path / "b.mp4", 300)),
        "--isolate", "--bundle", color_bundle, *ENGINE, *WORDS, "--jsonl", "{name}.jsonl",
    )  # fmt: skip
    wait_for_lines(tmp_path / "b.jsonl", process)
    decoders = find_decoders(process.pid)
    assert len(decoders) == 2
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGTERM else -number)

    def is_gone(pid: int) -> bool:
        status = Path(f"/proc/{pid}/status")  # where nobody waits for orphans, a dead one stays
        return not status.exists() or "State:\tZ" in status.read_text()

    wait_until(lambda: all(map(is_gone, decoders)))
