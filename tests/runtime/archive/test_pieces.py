"""Labelled in pieces and joined, a video's outputs are those of one go, and of ``mgca-rt``."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from runtime.archive.cuts import Piece
from runtime.archive.entry import main
from runtime.archive.job import Job, LabelConfig, ModelConfig
from runtime.archive.ledger import Ledger
from runtime.archive.videos import Video
from runtime.archive.worker import ArchiveWorker, cut_video
from runtime.bundle import load_bundle
from runtime.cli.config import WordsConfig
from runtime.sinks.place_lock import FolderLock
from tests.support.archives import GROUPS, write_group
from tests.support.processes import ENGINE, Run

CLASSES = ("sky", "tree", "car")
OPEN = GROUPS[1]


@pytest.fixture
def job(tmp_path: Path, color_bundle: Path) -> Job:
    pytest.importorskip("pyarrow", reason="comes with the extra ray")
    return Job(
        out=str(tmp_path / "out"),
        classes=CLASSES,
        words=WordsConfig(background="none"),
        labels=LabelConfig(),
        model=ModelConfig(bundle=str(color_bundle), backend="onnxruntime-cpu"),
        piece_s=1.0,
        bundle_id=load_bundle(color_bundle).id,
        class_names=CLASSES,
    )


def video_of(path: Path) -> Video:
    return Video(path.name, str(path.parent), path.name, str(path.stat().st_mtime_ns))


def work_on(job: Job, path: Path, workers: int = 2) -> list[dict[str, Any]]:
    """Cut a video and have its rows labelled by several workers in turn; gives their records."""
    rows = cut_video({"video": json.dumps(video_of(path).record())}, job)
    pool = [ArchiveWorker(job) for _ in range(workers)]
    done = []
    for number, row in enumerate(reversed(rows)):
        batch = {name: [value] for name, value in row.items()}
        done.append(json.loads(pool[number % workers](batch)["record"][0]))
    return done


def cut(job: Job, video: Video) -> list[Piece]:
    """The pieces of a video that is labelled with smoothing."""
    [row] = cut_video({"video": json.dumps(video.record())}, job)
    return [Piece(**one) for one in json.loads(row["pieces"])]


def read_areas(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.read_table(path)


def packets(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path)) as video:
        return [(one.pts, bytes(one)) for one in video.demux(video=0) if one.size]


@pytest.mark.slow
@pytest.mark.parametrize("smooth", ["auto", "off"])
def test_joined_labels_are_those_of_one_go(
    run_here: Run, job: Job, color_bundle: Path, tmp_path: Path, smooth: str
) -> None:
    path = write_group(tmp_path, OPEN)
    job = replace(job, labels=LabelConfig(smooth=smooth))
    done = work_on(job, path)
    assert len(done) == (1 if smooth == "auto" else 6)
    record = done[-1]["finished"]
    assert record["pieces"] == 6 and record["frames"] == 60 == sum(one["frames"] for one in done)
    whole = replace(job, piece_s=100.0, out=str(tmp_path / "whole"))
    assert work_on(whole, path)[0]["finished"]["pieces"] == 1
    folders = [tmp_path / name / path.name for name in ("out", "whole")]
    for name in ("labels.mkv", "areas.parquet"):
        first, second = (folder / name for folder in folders)
        assert first.read_bytes() == second.read_bytes(), name
    assert not (tmp_path / "out" / ".pieces" / path.name).exists()

    video, lines = tmp_path / "one.mkv", tmp_path / "one.jsonl"
    flags = ("--bundle", color_bundle, *ENGINE, "--background", "none", "--threads", "1")
    flags += ("--classes", ",".join(CLASSES), "--smooth", smooth)
    once = run_here("--video", path, *flags, "--label-video", video, "--jsonl", lines)
    assert once.returncode == 0, once.stderr
    assert packets(folders[0] / "labels.mkv") == packets(video)
    frames = [json.loads(line) for line in lines.read_text().splitlines()]
    table = read_areas(folders[0] / "areas.parquet").to_pylist()
    assert [row["frame"] for row in table] == [frame["frame"] for frame in frames]
    for row, frame in zip(table, frames, strict=True):
        assert round(row["time_s"], 6) == frame["time_s"]
        for one in frame["classes"]:
            assert round(row[f"area_{one['name']}"], 7) == one["area"]


@pytest.mark.slow
def test_every_nth_frame_as_lines(
    run_here: Run, job: Job, color_bundle: Path, tmp_path: Path
) -> None:
    path = write_group(tmp_path, GROUPS[4])
    job = replace(job, labels=LabelConfig(masks="rle", every=7))
    assert work_on(job, path)[-1]["finished"]["pieces"] > 2
    lines = tmp_path / "one.jsonl"
    flags = ("--bundle", color_bundle, *ENGINE, "--background", "none", "--every", 7)
    run_here("--video", path, *flags, "--classes", ",".join(CLASSES), "--jsonl", lines, "--rle")
    expected = [json.loads(line) for line in lines.read_text().splitlines()]
    for one in expected:
        del one["latency_ms"], one["source"]
    found = (tmp_path / "out" / path.name / "masks.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in found] == expected and len(expected) == 9


@pytest.mark.slow
def test_pieces_that_are_finished_are_not_labelled_again(job: Job, tmp_path: Path) -> None:
    path = write_group(tmp_path, OPEN)
    worker, ledger, video = ArchiveWorker(job), Ledger(job), video_of(path)
    pieces = cut(job, video)
    first = worker.label_row(video, pieces[:2])
    assert first["frames"] == 20 and first["finished"] is None
    areas = tmp_path / "out" / ledger.piece_name(video, pieces[1], ".parquet")
    stamp = areas.stat().st_mtime_ns
    other = replace(job, words=WordsConfig(background="none", threshold=0.5))
    assert Ledger(other).piece_record(video, pieces[1]) is None  # of other settings
    assert ledger.piece_record(replace(video, identity="2"), pieces[1]) is None  # another file
    again = worker.label_row(video, pieces[:2])
    assert again["frames"] == 0 and areas.stat().st_mtime_ns == stamp
    done = ArchiveWorker(job).label_row(video, pieces)
    assert done["frames"] == 40 and done["finished"]["frames"] == 60
    assert Ledger(job).video_record(video) == done["finished"]
    late = worker.label_row(video, pieces[:1])  # whose worker died when all was done
    assert late["frames"] == 0 and late["finished"] == done["finished"]
    assert not list((tmp_path / "out" / ".pieces").rglob("*.parquet"))


@pytest.mark.slow
def test_a_seam_that_does_not_fit_makes_it_whole(job: Job, tmp_path: Path) -> None:
    path = write_group(tmp_path, OPEN)
    worker, ledger, video = ArchiveWorker(job), Ledger(job), video_of(path)
    pieces = cut(job, video)
    worker.label_row(video, pieces[:2])
    record = ledger.piece_record(video, pieces[1])
    assert record is not None
    name = ledger.piece_name(video, pieces[1], ".json")
    ledger.store.write_record(name, record | {"begins": "0"})
    told = worker.label_row(video, pieces)
    assert "other pictures" in told["cannot_be_cut"]
    [done] = work_on(job, path)
    assert done["finished"]["pieces"] == 1 and done["frames"] == 60


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--classes", "sky,zebra"), "zebra"),
        (("--videos", "nothing-here"), "does not exist"),
        (("--videos", "."), "holds no video"),
        (("--smooth", "never"), "--smooth"),
        (("--classes-file", "x.txt"), "--classes-file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    tmp_path: Path, color_bundle: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    pytest.importorskip("ray", reason="comes with the extra ray")
    monkeypatch.chdir(tmp_path)
    first = ["--videos", ".", "--out", "out", "--bundle", str(color_bundle), "--classes", "sky"]
    assert main([*first, *flags]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1 and not (tmp_path / "out").exists()


def test_every_setting_of_words_makes_another_job(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one setting has labelled is not taken for what another would have."""
    pytest.importorskip("ray", reason="comes with the extra ray")
    started: list[Job] = []
    run = "runtime.archive.run.run_archive"
    monkeypatch.setattr(run, lambda job, *rest, **how: started.append(job) or 0)
    lines = tmp_path / "templates.txt"
    write_group(tmp_path, OPEN)
    first = ["--videos", str(tmp_path), "--out", job.out]
    for templates in ("a {}", "the {}"):
        lines.write_text(templates)
        for setting in (
            "", "--background none", "--threshold 0.1", "--units pixel", "--logit-scale 40",
            "--background-threshold 0.1", "--background-probability sigmoid", "--least-area 0.1",
            f"--templates {lines}", "--exact-words",
        ):  # fmt: skip
            assert main([*first, "--classes", "sky,car", *setting.split()]) == 0, setting
    digests = [one.digest for one in started]
    assert len(set(digests[:10])) == 10
    assert [at for at in range(10) if digests[at] != digests[at + 10]] == [8]
    assert main([*first, "--classes", "car,cars", "--exact-words", "--allow-unknown"]) == 0
    assert started[-1].class_names == ("car", "cars")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999999"])
def test_a_cluster_that_is_not_there_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    pytest.importorskip("ray", reason="comes with the extra ray")
    write_group(tmp_path, OPEN)
    flags = ["--videos", str(tmp_path), "--out", str(tmp_path / "out"), "--classes", "car"]
    assert main([*flags, "--address", address]) == 2
    told = capsys.readouterr().err
    assert f"no Ray at {address}" in told and told.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be locked there")
def test_a_second_run_in_one_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="comes with the extra ray")
    write_group(tmp_path, OPEN)
    (tmp_path / "out").mkdir()
    first = FolderLock("--out", tmp_path / "out")
    first.take()
    flags = ["--videos", str(tmp_path), "--out", str(tmp_path / "out"), "--classes", "car"]
    assert main(flags) == 2
    told = capsys.readouterr().err
    assert "is being written by another run" in told and told.count("\n") == 1
    assert not list((tmp_path / "out").iterdir())
    first.release()


def test_without_ray_the_line_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("runtime.archive.extra.util.find_spec", lambda name: None)
    assert main(["--videos", "x", "--classes", "car", "--out", "y"]) == 2
    said = capsys.readouterr().err
    assert 'pip install -e ".[ray]"' in said and said.count("\n") == 1
