"""``benchmarks.faults``: what is broken is found; a handful of kills, signals and full disks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.faults.__main__ import main
from benchmarks.faults.promises import find_broken, find_hidden
from tests.support.clips import write_clip


def test_what_is_broken_is_found(tmp_path: Path) -> None:
    write_clip(tmp_path / "whole.mp4")
    assert find_broken(tmp_path) == []
    (tmp_path / "cut.jsonl").write_text('{"frame": 0}\n{"fra')
    (tmp_path / "turned.jsonl").write_text('{"frame": 1}\n{"frame": 0}\n')
    (tmp_path / "half.json").write_text("{")
    (tmp_path / "head.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:200])
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "000001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    listing = tmp_path / "voc" / "ImageSets" / "Segmentation" / "default.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text("000007\n")
    (tmp_path / ".o.mp4.1.abc.part").write_bytes(b"no output")
    broken = "\n".join(find_broken(tmp_path))
    for words in (
        "cut.jsonl: ValueError: its last line is cut off", "turned.jsonl: ValueError: its frames",
        "half.json: JSONDecodeError", "head.mp4: ", "labels/000001.png: ",
        "labels: label images without classes.json", "000007 is listed and not there",
    ):  # fmt: skip
        assert words in broken
    assert broken.count("\n") == 6 and len(find_hidden(tmp_path)) == 1


def test_what_was_whole_is_read_again_when_it_changes(tmp_path: Path) -> None:
    seen: dict[Path, tuple[int, int]] = {}
    path = tmp_path / "a.json"
    path.write_text("{}")
    assert find_broken(tmp_path, seen) == [] and path in seen
    path.write_text("{")
    assert len(find_broken(tmp_path, seen)) == 1


@pytest.mark.slow
def test_a_handful(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--kills", "4", "--signals", "3", "--full", "3", "--seed", "5",
                 "--json", str(tmp_path / "f.json")])  # fmt: skip
    record = json.loads((tmp_path / "f.json").read_text())
    assert (code, record["broken"]) == (0, [])
    assert record["endings"]["undisturbed"] == {"exit 0": 2}
    assert sum(record["endings"]["SIGKILL"].values()) == 4
    assert "0 broken promises" in capsys.readouterr().out
