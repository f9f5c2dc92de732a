"""The training step of both phases, timed and counted: training's own run with a clock in it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from training.config.legs import trains
from training.config.optimiser import PhaseConfig
from training.data.batches import Batch, Collate
from training.engine.loop import PhaseState, run_phase
from training.engine.precision import autocast_on
from training.engine.trackers import Tracker
from training.engine.trainer import Run

CAPTION_SCENES = 128  # scenes that the nouns are read off; a training reads more


class TimedRun(Run):
    """A run whose phases take a few steps on batches made beforehand, and note how long they took.

    The objectives, the optimiser and the loop are training's own. ``figures[leg]`` then holds
    ``batch``, ``samples_s``, ``step_s``, ``gflop_step`` (matrix products and convolutions, forward
    and backward) and ``scenes_s`` of the data of one worker.

    Attributes:
        steps: timed steps a phase.
        warmup: steps before those, not counted.
        distinct: different batches that the steps go round.
    """

    steps = 20
    warmup = 3
    distinct = 4

    figures: dict[str, dict[str, Any]]

    def measure_phases(self) -> dict[str, dict[str, Any]]:
        """Time the phases that the configuration has; the figures by phase."""
        self.figures = {}
        while True:
            self.stream.sample_scenes = CAPTION_SCENES
            if trains(self.config):
                self.train_leg()
            if not self.next_leg():
                return self.figures

    def optimise(
        self, phase: PhaseConfig, objective: nn.Module, first_seed: int, collate: Collate
    ) -> None:
        """In place of the whole phase: a few of its steps, timed."""
        short = dataclasses.replace(phase, steps=self.distinct)
        started = time.perf_counter()
        with one_thread():
            batches = list(self.stream.batches(short, first_seed, 0, collate))
        scenes_s = self.distinct * phase.batch / (time.perf_counter() - started)
        step_s = self._time_steps(phase, objective, batches)
        self.figures[self.config.legs[0].name] = {
            "batch": phase.batch,
            "samples_s": phase.batch / step_s,
            "step_s": step_s,
            "gflop_step": count_flops(
                objective,
                batches[0].to(self.device),
                autocast_on(self.device, self.config.precision),
            )
            / 1e9,
            "scenes_s": scenes_s,
        }

    def _time_steps(self, phase: PhaseConfig, objective: nn.Module, batches: list[Batch]) -> float:
        """Seconds a step, the mean over the timed ones."""
        moments: list[float] = []
        total = self.warmup + self.steps
        run_phase(
            name=self.phase,
            objective=objective,
            config=dataclasses.replace(phase, steps=total),
            batches=itertools.islice(itertools.cycle(batches), total),
            state=PhaseState(),
            tracker=Tracker(),
            on_step=lambda _: moments.append(time.perf_counter()),
            device=self.device,
            precision=self.config.precision,
        )
        return (moments[-1] - moments[self.warmup - 1]) / self.steps


def count_flops(
    objective: nn.Module, batch: Batch, autocast: contextlib.AbstractContextManager[Any]
) -> int:
    """Floating-point operations of a forward and backward pass, a multiply-add being two."""
    counter = FlopCounterMode(display=False)
    with counter:
        with autocast:
            loss = objective(batch)["loss"]
        loss.backward()
    for parameter in objective.parameters():
        parameter.grad = None
    return int(counter.get_total_flops())


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """What runs inside has one thread of OpenCV and torch, as a data worker has."""
    import cv2

    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])
