"""Where results go: overlay video, label images, JSON lines, a report, a window.

Every sink is checked before work starts, is given each :class:`SegmentedFrame`, and is closed in
any case; see :mod:`runtime.sinks.output_file` for what happens to files that exist already.
"""

from __future__ import annotations

from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.jsonl import JsonLines
from runtime.sinks.labels import LabelFolder
from runtime.sinks.overlay import OverlayVideo
from runtime.sinks.report import ReportFile
from runtime.sinks.window import Window

__all__ = [
    "JsonLines",
    "LabelFolder",
    "OverlayVideo",
    "ReportFile",
    "SegmentedFrame",
    "Sink",
    "Window",
]
