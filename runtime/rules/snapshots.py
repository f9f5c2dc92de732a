"""Pictures of the moment at which an alert begins: drawn, written, and the oldest removed.

A name is the stream's, the moment's in UTC and the frame's number:
``yard_20260131T235959.125Z_000123.jpg``. Only what carries such a name *and* :data:`MARK` in its
head is ever removed, so a picture is kept for good by giving it another name.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.atomic_write import write_whole
from runtime.errors import MgcaError
from runtime.objects.things import Thing, find_things

if TYPE_CHECKING:
    import numpy as np

    from runtime.rules.rule import Rule
    from runtime.rules.zone import Zone
    from runtime.sinks.base import SegmentedFrame

MARK = b"snapshot of an alert by mgca-rt"
QUALITY = 90
_JPEG_HEAD = b"\xff\xd8"
_COMMENT = b"\xff\xfe"
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)

__all__ = ["MARK", "draw_snapshot", "find_snapshots", "write_snapshot"]


def draw_snapshot(item: SegmentedFrame, rule: Rule, zone: Zone | None) -> np.ndarray:
    """The overlay with the zone's outline and a box around each thing of the rule's class.

    uint8 (H, W, 3) BGR, of the frame's size.
    """
    import cv2

    drawn = item.overlay_bgr.copy()
    width = max(1, round(min(drawn.shape[:2]) / 240))
    if zone is not None:
        outline = [zone.corners(item.frame.size_wh)]
        cv2.polylines(drawn, outline, True, _BLACK, 3 * width, cv2.LINE_AA)
        cv2.polylines(drawn, outline, True, _WHITE, width, cv2.LINE_AA)
    for left, top, wide, high in (one.box_xywh for one in _things(item, rule)):
        corners = (left, top), (left + wide - 1, top + high - 1)
        cv2.rectangle(drawn, *corners, _BLACK, 3 * width)
        cv2.rectangle(drawn, *corners, _WHITE, width)
    return drawn


def write_snapshot(
    folder: Path, stream: str, frame_index: int, picture_bgr: np.ndarray, most: int
) -> Path:
    """Write a picture into a folder, and remove the stream's oldest ones but ``most``.

    Raises:
        OSError: it cannot be written, or an old one not be removed.
        MgcaError: the picture is too large for a JPEG.
    """
    now = time.time()
    moment = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
    path = folder / f"{stream}_{moment}_{frame_index:06d}.jpg"
    number = 1
    while path.exists():  # two alerts began with one frame
        number += 1
        path = folder / f"{stream}_{moment}_{frame_index:06d}-{number}.jpg"
    write_whole(path, _encode(picture_bgr))
    others = [one for one in find_snapshots(folder, stream) if one != path]
    for old in others[: max(0, len(others) - most + 1)]:  # this one stays, if the clock went back
        old.unlink(missing_ok=True)
    return path


def find_snapshots(folder: Path, stream: str) -> list[Path]:
    """The pictures of a stream that a run has written, oldest first; raises ``OSError``."""
    name = re.compile(re.escape(stream) + r"_\d{8}T\d{6}\.\d{3}Z_\d{6,}(-\d+)?\.jpg", re.ASCII)
    found = [one for one in folder.iterdir() if name.fullmatch(one.name) and _is_marked(one)]
    return sorted(found, key=lambda one: one.name)


def _things(item: SegmentedFrame, rule: Rule) -> list[Thing]:
    if item.objects:
        things = [one.thing for one in item.objects]
    else:
        things = find_things(item.result.labels, item.result.class_names)
    return [one for one in things if one.class_name == rule.class_name]


def _encode(picture_bgr: np.ndarray) -> bytes:
    import cv2

    height, width = picture_bgr.shape[:2]
    try:
        done, encoded = cv2.imencode(".jpg", picture_bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    except cv2.error:
        done = False
    if not done:
        raise MgcaError(f"--snapshots: a picture of {width}x{height} cannot be a JPEG")
    comment = _COMMENT + (len(MARK) + 2).to_bytes(2, "big") + MARK
    return _JPEG_HEAD + comment + bytes(encoded)[len(_JPEG_HEAD) :]


def _is_marked(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return MARK in stream.read(256)
    except OSError:  # a folder, or gone since
        return False
