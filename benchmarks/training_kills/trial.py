"""One training that is killed twice, once in each phase, and goes on each time."""

from __future__ import annotations

import bisect
import itertools
import random
import signal
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

__all__ = [
    "NAME",
    "PHASES",
    "Moment",
    "Trial",
    "draw_moment",
    "phase_at",
    "run_trial",
    "run_whole",
    "time_parts",
]


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
        missed: kills that came after the training's end, which a faster hour brings.
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


def time_parts(notes: Sequence[Note]) -> dict[tuple[str, int], float]:
    """Seconds from each thing that a training did to the next one, of the same process."""
    return {
        (one.phase, one.step): later.at_s - one.at_s
        for one, later in itertools.pairwise(notes)
        if later.phase != "start" and one.phase != "end"
    }


def draw_moment(parts: dict[tuple[str, int], float], phase: str, rng: random.Random) -> Moment:
    """A moment of a phase, each as likely as any other by the clock.

    Args:
        parts: seconds of what a training does (:func:`time_parts`).
        phase: one of :data:`PHASES`; the first one begins with the process.
        rng: draws it.
    """
    own = {place: s for place, s in parts.items() if phase_at(place[0]) == phase}
    places, ends_s = list(own), list(itertools.accumulate(own.values()))
    at_s = rng.uniform(0.0, ends_s[-1])
    number = min(bisect.bisect(ends_s, at_s), len(places) - 1)
    begin_s = ends_s[number] - own[places[number]]
    return Moment(*places[number], max(0.0, at_s - begin_s))


def phase_at(phase: str) -> str:
    """The phase that a kill there is counted for."""
    return PHASES[0] if phase == "start" else phase


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
        if _wait_for(folder, process, moment, limit_s):
            time.sleep(moment.after_s)
        process.kill()
        process.join(limit_s)
        if process.exitcode == 0:
            trial.missed += 1
        elif process.exitcode != -signal.SIGKILL:
            trial.faults.append(f"exit code {process.exitcode}: {_last_words(folder)}")
        else:
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
    """Until the training has done it, or something later; False: it has ended, or it is late."""
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
