"""The demo: what ``mgca-rt`` does without a source. Works offline, with files of the package."""

from __future__ import annotations

from pathlib import Path

from runtime.errors import UserError
from runtime.shipped import SHIPPED

DEMO_CLASSES = ("person", "car", "bus", "tree", "building", "road", "sky")
DEMO_VIDEO_NAME = "mgca-demo.mp4"
DEMO_BUNDLE = SHIPPED["street"]


def demo_clip() -> Path:
    """The path of the demo clip inside the package; raises ``UserError`` if it is not there."""
    path = Path(__file__).resolve().parent / "assets" / "demo.mp4"
    if not path.is_file():
        raise UserError(
            f"the demo clip {path} is missing from this installation; give a source such as "
            "--video FILE, or install mgca again"
        )
    return path
