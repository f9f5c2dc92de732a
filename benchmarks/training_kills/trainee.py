"""A training in a process of its own, which notes what it reads as it goes.

The process is forked off a server that has imported the training already, and runs the command's
own ``main``. It reads few captions first, logs the losses of every step, and adds a line to
:data:`NOTES` for every batch: when, of which phase and step, with which samples.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from training.data.batches import Batch
from training.data.stream import PairStream
from training.engine import loop, trainer
from training.run import main

NOTES = "notes.jsonl"
#: Captions and images that are read before the first step.
SAMPLES = 16

__all__ = ["NOTES", "Note", "read_notes", "start_training"]


@dataclass(frozen=True)
class Note:
    """Something that a training did.

    Attributes:
        at_s: when, of a clock that all processes share.
        phase: ``start`` before the first one.
        step: of the phase, counted from 1; 0: the phase begins.
        samples: keys of the step's batch.
    """

    at_s: float
    phase: str
    step: int
    samples: tuple[str, ...] = ()


def start_training(folder: Path, arguments: Sequence[str]) -> ForkServerProcess:
    """Start ``python -m training.run`` with these arguments; its texts go to ``folder/log``."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_train, args=(folder, [*arguments]), daemon=True)
    process.start()
    return process


def read_notes(folder: Path) -> list[Note]:
    """What the trainings in a folder did so far, in order; half a line at the end is left out."""
    try:
        lines = (folder / NOTES).read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    whole = (json.loads(line) for line in lines if line.endswith("\n"))
    return [Note(at, phase, step, tuple(samples)) for at, phase, step, samples in whole]


def _train(folder: Path, arguments: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    PairStream.sample_scenes = PairStream.sample_pictures = SAMPLES
    loop.LOSSES_EVERY = 1
    run_phase = trainer.run_phase

    def run_noting(**given: Any) -> loop.PhaseState:
        name, state = given["name"], given["state"]
        _note(folder, Note(time.monotonic(), name, 0))
        given["batches"] = _noted(folder, name, state, given["batches"])
        return run_phase(**given)

    trainer.run_phase = run_noting  # type: ignore[assignment]
    _note(folder, Note(time.monotonic(), "start", 0))
    sys.exit(main(["--runs", str(folder), *arguments]))


def _noted(
    folder: Path, name: str, state: loop.PhaseState, batches: Iterable[Batch]
) -> Iterator[Batch]:
    for batch in batches:
        _note(folder, Note(time.monotonic(), name, state.step + 1, batch.keys))
        yield batch


def _note(folder: Path, note: Note) -> None:
    line = json.dumps([note.at_s, note.phase, note.step, note.samples]) + "\n"
    with (folder / NOTES).open("ab", buffering=0) as file:
        file.write(line.encode())
