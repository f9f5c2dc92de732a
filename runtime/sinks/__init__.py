"""Where results go: overlay video, label images, JSON lines, a report, a window.

Every sink is checked before work starts, is given each :class:`SegmentedFrame`, and is closed in
any case; see :mod:`runtime.sinks.target` for what happens to files that exist already.
"""

from __future__ import annotations

from runtime.sinks.jsonl import JsonLines
from runtime.sinks.labels import LabelFolder
from runtime.sinks.overlay_video import OverlayVideo
from runtime.sinks.report import ReportFile
from runtime.sinks.sink import SegmentedFrame, Sink
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
