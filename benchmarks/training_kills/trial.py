"""One training that is killed twice, once in each phase, and goes on each time."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from benchmarks.training_kills.history import History, read_history
from benchmarks.training_kills.trainee import Note, read_notes, start_training
from runtime.errors import MgcaError

PHASES = ("pretrain", "mgca")
NAME = "trained"
RESUME = ("--resume", "latest")
_LOOK_S = 0.002

__all__ = ["NAME", "PHASES", "Moment", "Trial", "draw_moment", "run_trial", "run_whole"]


@dataclass(frozen=True)
class Moment:
    """When to kill: so long after the training has done something.

    Attributes:
        phase: of the note that is waited for.
        step: of that note.
        after_s: from then on.
    """

    phase: str
    step: int
    after_s: float


@dataclass
class Trial:
    """What became of a training.

    Attributes:
        history: what it read and reported, all attempts together.
        killed_at: phase and step in which each kill met it.
        begun_anew: attempts that found no checkpoint to go on with.
        missed: kills that came after the training's end.
        faults: what broke the promise, a line each.
    """

    history: History = field(default_factory=History)
    killed_at: list[tuple[str, int]] = field(default_factory=list)
    begun_anew: int = 0
    missed: int = 0
    faults: list[str] = field(default_factory=list)


def run_whole(folder: Path, settings: Sequence[str], limit_s: float) -> tuple[History, list[Note]]:
    """Train without a break; gives its history, and its notes with one more at its end.

    Raises:
        MgcaError: it failed, or took longer than ``limit_s``.
    """
    process = start_training(folder, settings)
    if not _join(process, limit_s) or process.exitcode:
        raise MgcaError(
            f"the unbroken run failed or took over {limit_s:g} s; {_last_words(folder)}"
        )
    end = Note(time.monotonic(), "end", 0)
    return read_history(folder, NAME), [*read_notes(folder), end]


def draw_moment(notes: Sequence[Note], phase: str, rng: random.Random) -> Moment:
    """A moment of a phase, each as likely as any other, on the clock of the unbroken run.

    The first phase begins with the process, each ends where the next one begins.
    """
    begins = [note.at_s for note in notes if note.step == 0]  # start, pretrain, mgca, end
    number = PHASES.index(phase)
    begin_s, end_s = (begins[0], begins[2]) if number == 0 else (begins[2], begins[3])
    at_s = rng.uniform(begin_s, end_s)
    last = [note for note in notes if note.at_s <= at_s][-1]
    return Moment(last.phase, last.step, at_s - last.at_s)


def run_trial(
    folder: Path, settings: Sequence[str], moments: Sequence[Moment], limit_s: float
) -> Trial:
    """Train, be killed at each of the moments, go on each time, to the end.

    Args:
        folder: empty; the run's lies in it.
        settings: of the training.
        moments: one after the other.
        limit_s: for each attempt.
    """
    trial = Trial()
    arguments = [*settings]
    for moment in moments:
        process = start_training(folder, arguments)
        if not _wait_for(folder, process, moment, limit_s):
            trial.faults.append(f"never came to {moment.phase} step {moment.step}")
        time.sleep(moment.after_s)
        process.kill()
        process.join(limit_s)
        if process.exitcode == 0:
            trial.missed += 1
        elif process.exitcode != -9:
            trial.faults.append(f"exit code {process.exitcode}: {_last_words(folder)}")
        last = read_notes(folder)[-1]
        trial.killed_at.append((last.phase, last.step))
        there = (folder / NAME / "last.pt").exists()
        trial.begun_anew += not there
        arguments = [*RESUME] if there else [*settings]
    process = start_training(folder, arguments)
    if not _join(process, limit_s):
        trial.faults.append(f"took longer than {limit_s:g} s after the last kill")
    elif process.exitcode:
        trial.faults.append(f"did not go on ({process.exitcode}): {_last_words(folder)}")
    left = sorted(path.name for path in (folder / NAME).glob(".*"))
    if left:
        trial.faults.append(f"left behind: {', '.join(left)}")
    trial.history = read_history(folder, NAME)
    return trial


def _wait_for(folder: Path, process: ForkServerProcess, moment: Moment, limit_s: float) -> bool:
    """Until the training has done it, or something later; False: it ended without, or in time."""
    seen = len(read_notes(folder))
    late_s = time.monotonic() + limit_s
    while time.monotonic() < late_s:
        for note in read_notes(folder)[seen:]:
            if _place(note.phase, note.step) >= _place(moment.phase, moment.step):
                return True
        if not process.is_alive():
            return False
        time.sleep(_LOOK_S)
    return False


def _place(phase: str, step: int) -> tuple[int, int]:
    return ("start", *PHASES).index(phase), step


def _join(process: ForkServerProcess, limit_s: float) -> bool:
    process.join(limit_s)
    if process.exitcode is None:
        process.kill()
        process.join(limit_s)
        return False
    return True


def _last_words(folder: Path) -> str:
    lines = (folder / "log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
