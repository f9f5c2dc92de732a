"""What decides every figure of an ablation, as plain values that travel to worker processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.datasets.camvid import camvid_set
from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet
from benchmarks.datasets.streetworld import streetworld_set

TUNED_FRAMES, REPORTED_FRAMES = (1, 50), (51, 101)  # of CamVid, counted from 1


@dataclass(frozen=True)
class Plan:
    """What decides every figure; see the command's flags.

    ``digest`` is the checkpoint's SHA-256; ``changes`` are ``--set`` assignments; ``camvid`` is
    the clip's folder or None; ``camvid_every`` thins out its tuning frames; ``code`` is the
    fingerprint of the sources at the start, whatever is edited while it runs.
    """

    checkpoint: Path
    digest: str
    changes: tuple[str, ...]
    steps: int
    batch: int
    work: Path
    scene_seed: int
    scenes: int
    tuning_scenes: int
    scene_size_wh: tuple[int, int]
    input_size_wh: tuple[int, int]
    camvid: Path | None
    camvid_every: int
    workers: int
    code: str

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the tables."""
        return ("streetworld", "camvid") if self.camvid else ("streetworld",)

    def open_sets(self, dataset: str) -> tuple[EvaluationSet, EvaluationSet]:
        """Frames to tune on, and others to report."""
        if dataset == "camvid":
            tuning = thin_out(camvid_set(self.camvid, TUNED_FRAMES), self.camvid_every)
            return tuning, camvid_set(self.camvid, REPORTED_FRAMES)
        sizes = (self.tuning_scenes, self.scenes)
        tuning, reported = (
            streetworld_set(self.scene_seed + offset, count, self.scene_size_wh)
            for offset, count in zip((1, 0), sizes, strict=True)
        )
        return tuning, reported


def thin_out(dataset: EvaluationSet, every: int) -> EvaluationSet:
    """Each ``every``-th frame of a set."""

    def open_frames() -> Iterator[EvaluationFrame]:
        return islice(dataset.open(), 0, None, every)

    return dataclasses.replace(
        dataset,
        count=-(-dataset.count // every),
        open=open_frames,
        settings={**dataset.settings, "every": every},
    )
