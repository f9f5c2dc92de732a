"""The self-test: frames of the demo clip, segmented for some seconds, and a look at the labels."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from runtime.bundle import TEXT_ENCODER_FILE, Bundle, name_key
from runtime.demo import DEMO_BUNDLE, DEMO_CLASSES, demo_clip
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok
from runtime.errors import MgcaError

if TYPE_CHECKING:
    import numpy as np

    from runtime import Segmenter
    from runtime.segment.result import Result

NAME = "self-test"
#: What the clip shows in every frame, and the least share of the pixels that must be found.
SHOWN = ("building", "road", "sky")
LEAST_AREA = 0.01
#: A slow machine that opens a bundle for the first time tries every backend on some frames.
OPENING_LIMIT_S = 900.0

__all__ = ["LEAST_AREA", "SHOWN", "describe_fault", "examine"]


def examine(bundle: str | os.PathLike[str], backend: str, seconds: float) -> list[Finding]:
    """One finding with the frame rate; ``broken`` where the bundle does not run or is wrong.

    Args:
        bundle: its folder.
        backend: as ``--backend`` takes it.
        seconds: how long frames are segmented, one at least; 0 leaves the test out.
    """
    if seconds == 0:
        return [missing(NAME, "left out")]
    limit_s = OPENING_LIMIT_S + 2 * seconds
    return ask(NAME, run, os.fspath(bundle), backend, seconds, limit_s=limit_s)


def run(folder: str, backend: str, seconds: float) -> list[Finding]:
    """The same, in this process; raises what opening the bundle raises."""
    from runtime import Segmenter

    warnings = _Warnings()
    logging.getLogger("runtime").addHandler(warnings)
    with Segmenter.load(folder, backend) as segmenter:
        classes = _classes(segmenter.bundle)
        segmenter.set_classes(classes)
        shipped = Path(folder).resolve() == DEMO_BUNDLE
        values: dict[str, Any] = {
            "backend": segmenter.backend.name,
            "provider": segmenter.backend.provider,
            "classes": list(classes),
        }
        areas: list[dict[str, float]] = []
        totals_ms: list[float] = []
        fault = None
        for result in _segment(segmenter, seconds):
            areas.append(result.areas)
            totals_ms.append(result.latency_ms["total"])
            fault = describe_fault(result)
            if fault is not None:
                break
    means = {name: sum(one[name] for one in areas) / len(areas) for name in classes}
    if fault is None and shipped:
        fault = describe_areas(means)
    values |= _figures(totals_ms) | {"areas": means, "warnings": warnings.lines}
    if fault is not None:
        return [broken(NAME, f"on {values['backend']}: {fault}", **values)]
    return [ok(NAME, _describe(values), **values)]


def _segment(segmenter: Segmenter, seconds: float) -> Iterator[Result]:
    """Results of the clip's frames, round and round, until the time is over; one at least."""
    frames = _frames()
    segmenter(next(frames))  # the first run of a graph is slower than those that follow
    began = perf_counter()
    for frame_bgr in frames:
        yield segmenter(frame_bgr)
        if perf_counter() - began >= seconds:
            return


def _frames() -> Iterator[np.ndarray]:
    from runtime.sources import open_video

    while True:
        source = open_video(str(demo_clip()))
        source.open()
        try:
            count = 0
            for frame in source.frames(threading.Event()):
                count += 1
                yield frame.image_bgr
        finally:
            source.close()
        if count < 2:
            raise MgcaError("the demo clip holds no frames; install mgca again")


def _classes(bundle: Bundle) -> tuple[str, ...]:
    """The demo's classes as far as the bundle knows them; of one that knows none, its first."""
    names = bundle.vocabulary().names
    if bundle.has(TEXT_ENCODER_FILE):
        if bundle.manifest.trained_words is None:
            return DEMO_CLASSES
        names = (*names, *bundle.manifest.trained_words)
    known = {name_key(name) for name in names}
    return tuple(name for name in DEMO_CLASSES if name_key(name) in known) or names[:5]


def describe_fault(result: Result) -> str | None:
    """What is wrong with a result of any bundle; None where nothing is."""
    import numpy as np

    scores = np.asarray(result.grid_scores)
    if not np.isfinite(scores).all():
        return "scores are not finite"
    if float(np.ptp(scores)) == 0.0:
        return "every score is the same"
    labels = np.unique(result.labels)
    if ((labels >= len(result.class_names)) & (labels != 255)).any():
        return f"labels reach {labels.max()}, with {len(result.class_names)} classes"
    return None


def describe_areas(areas: dict[str, float]) -> str | None:
    """What the shipped bundle does not find in the clip; None where it finds what is shown.

    >>> describe_areas({"building": 0.2, "road": 0.3, "sky": 0.001})
    'the demo clip shows building, road and sky, of which it finds too little: sky 0.10 %'
    """
    lost = [f"{name} {100 * areas[name]:.2f} %" for name in SHOWN if areas[name] < LEAST_AREA]
    if not lost:
        return None
    shown = f"{', '.join(SHOWN[:-1])} and {SHOWN[-1]}"
    return f"the demo clip shows {shown}, of which it finds too little: {', '.join(lost)}"


def _figures(totals_ms: list[float]) -> dict[str, Any]:
    seconds = sum(totals_ms) / 1e3
    return {
        "frames": len(totals_ms),
        "seconds": round(seconds, 3),
        "fps": round(len(totals_ms) / seconds, 2),
        "latency_ms": {"p50": round(median(totals_ms), 3), "max": round(max(totals_ms), 3)},
    }


def _describe(values: dict[str, Any]) -> str:
    found = [f"{name} {100 * share:.0f} %" for name, share in values["areas"].items()]
    frames = values["frames"]
    return (
        f"{values['fps']:.3g} frames/s on {values['backend']} ({values['provider']}): {frames} "
        f"frame{'' if frames == 1 else 's'} of the demo clip, {values['latency_ms']['p50']:.0f} ms "
        f"in the middle; found {', '.join(found)}"
    )


class _Warnings(logging.Handler):
    """Keeps what the runtime warns of, such as a backend that is passed over."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
