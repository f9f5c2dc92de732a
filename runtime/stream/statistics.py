"""What a run counted and measured: frames, stages, memory."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

STAGES = ("capture", "preprocess", "infer", "postprocess", "total")
PERCENTILES = (50, 90, 95, 99)
#: Percentiles are taken over this many frames, the newest: a camera may run for months.
WINDOW_FRAMES = 20_000


@dataclass
class RunStatistics:
    """Counters and timings of one run.

    ``frames_in`` = processed + dropped (a live source went on without us) + skipped (``--every``)
    + unfinished (read, but the run was stopped first). ``frames_spared`` are those of the processed
    ones for which the graph was not run, since nothing had changed.
    """

    frames_in: int = 0
    frames_processed: int = 0
    frames_dropped: int = 0
    frames_skipped: int = 0
    frames_spared: int = 0
    first_captured_at: float | None = None
    last_done_at: float | None = None
    latencies_ms: deque[tuple[float, ...]] = field(
        default_factory=lambda: deque(maxlen=WINDOW_FRAMES)
    )
    waits_ms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    outputs_ms: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    area_sums: dict[str, float] = field(default_factory=dict)

    def add(
        self,
        latency_ms: dict[str, float],
        wait_ms: float,
        output_ms: float,
        areas: dict[str, float],
        spared: bool = False,
    ) -> None:
        """Count one frame that has been segmented and written."""
        self.frames_processed += 1
        self.frames_spared += spared
        self.latencies_ms.append(tuple(latency_ms[stage] for stage in STAGES))
        self.waits_ms.append(wait_ms)
        self.outputs_ms.append(output_ms)
        for name, area in areas.items():
            self.area_sums[name] = self.area_sums.get(name, 0.0) + float(area)
        self.last_done_at = time.perf_counter()

    @property
    def duration_s(self) -> float:
        """From the first frame's capture to the last frame's outputs."""
        if self.first_captured_at is None or self.last_done_at is None:
            return 0.0
        return self.last_done_at - self.first_captured_at

    @property
    def fps(self) -> float:
        """Frames finished per second, the first frame's warm-up and all waiting included."""
        return self.frames_processed / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def frames_unfinished(self) -> int:
        """Frames that were read and then left because the run was stopped."""
        done = self.frames_processed + self.frames_dropped + self.frames_skipped
        return max(0, self.frames_in - done)

    def mean_areas(self) -> dict[str, float]:
        """Each class's mean share of the picture."""
        count = max(1, self.frames_processed)
        return {name: total / count for name, total in self.area_sums.items()}

    def stages_ms(self) -> dict[str, dict[str, float]]:
        """Percentiles of each stage in milliseconds; empty before the first frame.

        Beside the stages that make up ``total`` there are ``wait`` (between the stages) and
        ``output`` (drawing and writing), which overlap with the next frames' work.
        """
        if not self.latencies_ms:
            return {}
        columns = np.asarray(self.latencies_ms, np.float64).T
        named = dict(zip(STAGES, columns, strict=True))
        named["wait"] = np.asarray(self.waits_ms)
        named["output"] = np.asarray(self.outputs_ms)
        return {
            stage: {f"p{p}": round(float(np.percentile(values, p)), 3) for p in PERCENTILES}
            for stage, values in named.items()
        }


def read_peak_rss_mib() -> float | None:
    """The most memory this process has held, in MiB; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
