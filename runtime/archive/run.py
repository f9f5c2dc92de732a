"""One run over an archive: what is left to do, the work, the failures, the summary."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.archive.cluster import count_workers, label_rows, ray_running
from runtime.archive.job import Job, PoolConfig
from runtime.archive.ledger import PIECES, Ledger
from runtime.archive.progress import ArchiveProgress
from runtime.archive.videos import Video
from runtime.errors import MgcaError, UserError
from runtime.sinks.place_lock import FolderLock
from runtime.sources.decoding import is_url

FAILURES = "failures.jsonl"
SUMMARY = "summary.json"
#: Records that are read at one time: in an object store each read waits.
READERS = 16

__all__ = ["run_archive"]


@dataclass
class _Outcome:
    """What became of the videos of one run.

    Attributes:
        finished: each finished video's record, by its name.
        failed: why others could not be labelled.
        frames: labelled in this run.
        began_s: when the first worker began with its first piece, in seconds since 1970.
        ended_s: when the last one had labelled its last.
        cpu_s: processor time of all workers in between.
    """

    finished: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    began_s: float = math.inf
    ended_s: float = -math.inf
    cpu_s: float = 0.0

    @property
    def labelling_s(self) -> float:
        """From the first to the last: without the start of Ray and of the models."""
        return max(0.0, self.ended_s - self.began_s)

    def describe(self) -> dict[str, Any]:
        """What stands of it in the summary."""
        return {
            "finished": len(self.finished),
            "failed": len(self.failed),
            "frames": self.frames,
            "labelling_s": round(self.labelling_s, 3),
            "cpu_s": round(self.cpu_s, 3),
            "fps": round(self.frames / (self.labelling_s or math.inf), 3),
            "backends": sorted({b for one in self.finished.values() for b in one["backends"]}),
        }

    def add(self, row: dict[str, Any]) -> None:
        """Count what a row's worker did."""
        self.frames += row["frames"]
        if row["frames"]:
            self.began_s = min(self.began_s, row["began_s"])
            self.ended_s = max(self.ended_s, row.get("ended_s", -math.inf))
            self.cpu_s += row.get("cpu_s", 0.0)


def run_archive(
    job: Job,
    pool: PoolConfig,
    videos: Sequence[Video],
    *,
    quiet: bool = False,
    debug: bool = False,
    command: str = "",
) -> int:
    """Label what is not finished of these videos; gives the exit code.

    Args:
        job: how.
        pool: on what.
        videos: the archive.
        quiet: show no progress and no summary.
        debug: show what Ray and its workers log.
        command: the command line, without secrets, for the summary.

    Raises:
        UserError: nothing can be labelled at all, or nothing can be written.
        MgcaError: the run failed.
    """
    ledger = Ledger(job)
    with _taken(ledger):
        return _run(ledger, pool, videos, quiet=quiet, debug=debug, command=command)


@contextmanager
def _taken(ledger: Ledger) -> Iterator[None]:
    """The output folder for this run alone: the end of one removes the pieces of all.

    An object store knows no locks; there it is for people to see to.
    """
    out = ledger.job.out
    lock = None if is_url(out) else FolderLock("--out", Path(out))
    if lock is not None:
        lock.check()
    _check_out(ledger)
    try:
        if lock is not None:
            lock.take()
        yield
    finally:
        if lock is not None:
            lock.release()


def _run(
    ledger: Ledger,
    pool: PoolConfig,
    videos: Sequence[Video],
    *,
    quiet: bool,
    debug: bool,
    command: str,
) -> int:
    job = ledger.job
    began_s = time.perf_counter()
    outcome = _Outcome()
    left = _find_left(ledger, videos, outcome)
    passed_over, workers = len(outcome.finished), 0
    if left:
        progress = ArchiveProgress(len(videos), passed_over, quiet=quiet)
        try:
            with ray_running(pool, job.model.threads, debug):
                workers = count_workers(pool, job.model.threads)
                _label(job, pool, workers, left, outcome, progress)
        finally:
            progress.close()
    _write_failures(ledger, outcome)
    if not outcome.failed:
        ledger.store.remove_folder(PIECES)
    summary = {
        "command": command,
        **job.settings(),
        "videos": len(videos),
        "finished_before": passed_over,
        **outcome.describe(),
        "seconds": round(time.perf_counter() - began_s, 3),
        "workers": workers,
        "threads": job.model.threads,
    }
    ledger.store.write_record(SUMMARY, summary)
    if not quiet:
        _tell(job, summary, outcome)
    return 1 if outcome.failed else 0


def _find_left(ledger: Ledger, videos: Sequence[Video], outcome: _Outcome) -> list[Video]:
    """The videos that are not finished; the records of the others are put into the outcome."""
    with ThreadPoolExecutor(READERS) as readers:
        records = list(readers.map(ledger.video_record, videos))
    found = zip(videos, records, strict=True)
    outcome.finished |= {video.name: record for video, record in found if record is not None}
    return [video for video in videos if video.name not in outcome.finished]


def _label(
    job: Job,
    pool: PoolConfig,
    workers: int,
    videos: Sequence[Video],
    outcome: _Outcome,
    progress: ArchiveProgress,
) -> None:
    """Label videos, those that turn out not to be ones that can be cut a second time."""
    whole: set[str] = set()
    for row in label_rows(job, pool, workers, videos):
        name = row["video"]
        if "fatal" in row:
            raise UserError(row["fatal"])
        outcome.add(row)
        progress.add_frames(row["frames"])
        if "cannot_be_cut" in row:
            whole.add(name)
        elif "failed" in row:
            outcome.failed[name] = row["failed"]
        elif row["finished"] is not None and name not in outcome.finished:
            outcome.finished[name] = row["finished"]
            progress.add_video()
    again = [video for video in videos if video.name in whole]
    if again:
        for video in again:  # pieces that were labelled meanwhile do not count
            outcome.failed.pop(video.name, None)
            outcome.finished.pop(video.name, None)
        _label(job, pool, workers, again, outcome, progress)
    for video in videos:
        if video.name not in outcome.finished:
            tries = f"{pool.retries + 1} tr{'ies' if pool.retries else 'y'}"
            lost = f"the worker of a piece of it died ({tries}); run again, or leave it out"
            outcome.failed.setdefault(video.name, lost)


def _check_out(ledger: Ledger) -> None:
    """Refuse an output folder that cannot be written to before anything starts."""
    try:
        ledger.store.write(FAILURES, b"")
    except MgcaError as error:
        raise UserError(f"--out: {error}; give a place that you may write to") from None


def _write_failures(ledger: Ledger, outcome: _Outcome) -> None:
    """A line for each video that failed; an empty file where none did."""
    lines = [
        json.dumps({"video": name, "reason": reason}, ensure_ascii=False) + "\n"
        for name, reason in sorted(outcome.failed.items())
    ]
    ledger.store.write(FAILURES, "".join(lines).encode())


def _tell(job: Job, summary: dict[str, Any], outcome: _Outcome) -> None:
    print(
        f"{summary['finished']} of {summary['videos']} videos are labelled "
        f"({summary['finished_before']} were before), {summary['frames']} frames in "
        f"{summary['seconds']:.1f} s, {summary['fps']:.1f} frames/s: {job.out}"
    )
    for name, record in sorted(outcome.finished.items()):
        for loss in record["losses"]:
            print(f"warning: {name} {loss}", file=sys.stderr)
    for name, reason in sorted(outcome.failed.items()):
        print(f"failed: {name}: {reason}", file=sys.stderr)
