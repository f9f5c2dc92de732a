"""The summary for people: a line for each output, what was lost, how fast it was."""

from __future__ import annotations

import io
from typing import Any

from runtime.cli.report import print_all
from tests.support.streams import Keeper


class Told(Keeper):
    key = "told"

    def summary(self) -> tuple[str, str] | None:
        return "told", "/a/b (3 things)"


def summarize(**changes: Any) -> list[str]:
    record: dict[str, Any] = {
        "status": "done",
        "outputs": {},
        "mean_areas": {"car": 0.125, "sky": 0.5},
        "frames_processed": 12,
        "frames_spared": 0,
        "frames_dropped": 0,
        "unreadable": 0,
        "reconnects": 0,
        "stages_ms": {"total": {"p50": 40.04}},
        "fps": 24.96,
        "backend": "onnxruntime-cpu",
        "provider": "CPUExecutionProvider",
    }
    stream = io.StringIO()
    record |= changes
    print_all(record, [record], [[Told(), Keeper()]], [], stream)
    return stream.getvalue().splitlines()


def test_a_run_without_losses() -> None:
    assert summarize() == [
        "told      /a/b (3 things)",
        "areas     car 12.5 %, sky 50.0 %",
        "speed     25.0 frames/s, 40.0 ms a frame (median); 12 frames; "
        "onnxruntime-cpu on CPUExecutionProvider",
    ]


def test_what_was_lost_is_told() -> None:
    told, _, speed, stopped = summarize(
        outputs={"told": {"dropped": 7}},
        frames_dropped=3,
        frames_spared=8,
        reconnects=2,
        status="interrupted",
    )
    assert told.endswith("(3 things); 7 frames dropped, it is too slow")
    assert "; 12 frames, 8 spared, 3 dropped, 2 reconnects; " in speed
    assert stopped == "stopped   by a signal; every output is closed"


def test_before_the_first_frame_there_is_no_median() -> None:
    assert "median" not in summarize(stages_ms={}, frames_processed=0, fps=0.0)[-1]
