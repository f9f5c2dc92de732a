"""A vehicle as a box in perspective: what cars and buses share."""

from __future__ import annotations

import math

import numpy as np

from training.data.streetworld.drawing import BOTH, IMAGE, DisplayList
from training.data.streetworld.geometry import Points
from training.data.streetworld.palette import Color

GLASS: Color = (38, 46, 56)


RUBBER: Color = (24, 24, 26)


_RIM = [(math.cos(n * (math.pi / 6)), math.sin(n * (math.pi / 6))) for n in range(12)]


Corner = tuple[float, float, float]


class Body:
    """Places points of a vehicle (right, up, forward from its middle) in the image."""

    def __init__(self, scene: DisplayList, thing: int, x: float, depth: float, yaw: float) -> None:
        """Stand at (x, depth) metres; ``yaw`` 0 shows the rear, pi the front, +-pi/2 a side."""
        self.scene, self.thing = scene, thing
        self.x, self.depth = x, depth
        self.cos, self.sin = math.cos(yaw), math.sin(yaw)
        # where the camera is, seen from the vehicle: to its right, and ahead of it
        self.eye_right = -x * self.cos + depth * self.sin
        self.eye_ahead = -x * self.sin - depth * self.cos
        self.corners: list[Corner] = []
        self.queue: list[tuple[int, int, Color, int, int]] = []

    def at(self, points: Points | list[Corner]) -> Points:
        """Vehicle coordinates (n, 3) to image coordinates (n, 2)."""
        array = np.asarray(points)
        right, ahead = array[:, 0], array[:, 2]
        placed = np.empty(array.shape)
        placed[:, 0] = right * self.cos + ahead * self.sin + self.x
        placed[:, 1] = array[:, 1]
        placed[:, 2] = ahead * self.cos - right * self.sin + self.depth
        return self.scene.camera.project(placed)

    def face(
        self, corners: list[Corner], color: Color, *, texture: int = 0, flags: int = BOTH,
        each: int = 0,
    ) -> None:  # fmt: skip
        """Queues polygons of ``each`` corners (0: one polygon of all), to be projected together."""
        self.corners += corners
        self.queue.append((len(corners), each or len(corners), color, texture, flags))

    def across(
        self, half: float, spans: list[tuple[float, float, float, float, float]], color: Color,
        *, texture: int = 0, flags: int = IMAGE,
    ) -> None:  # fmt: skip
        """Queues quads on an end: spans are (left, right, low, high, z), sides in half widths."""
        corners = []
        for left, right, low, high, z in spans:
            a, b = left * half, right * half
            corners += [(a, low, z), (b, low, z), (b, high, z), (a, high, z)]
        self.face(corners, color, texture=texture, flags=flags, each=4)

    def flush(self) -> None:
        """Projects what is queued and hands it to the display list."""
        if not self.queue:
            return
        placed, first = self.at(self.corners), 0
        for count, each, color, texture, flags in self.queue:
            mine = placed[first : first + count]
            first += count
            self.scene.polygons(mine, each, color, self.thing, texture=texture, flags=flags)
        self.corners, self.queue = [], []


def stand_vehicle(
    scene: DisplayList, noun: str, color: str, ground: str | None, x: float, depth: float,
    yaw: float,
) -> Body:  # fmt: skip
    """Registers a vehicle at (x, depth) metres; what is drawn next lies in the haze there."""
    thing = scene.thing(noun, color, ground)
    scene.at_depth(depth)
    return Body(scene, thing, x, depth, yaw)


def side_shown(body: Body, width: float) -> float:
    """+1 or -1: which side shows (0 when neither does)."""
    if body.eye_right > width / 2:
        return 1.0
    return -1.0 if body.eye_right < -width / 2 else 0.0


def end_shown(body: Body, length: float) -> float:
    """+1 the front shows, -1 the rear, 0 neither."""
    if body.eye_ahead > length / 2:
        return 1.0
    return -1.0 if body.eye_ahead < -length / 2 else 0.0


def draw_shadow(body: Body, length: float, width: float) -> None:
    """The dark patch under a vehicle."""
    w, z = width / 2 * 1.08, length / 2 * 1.04
    foot = body.at([(-w, 0, -z), (w, 0, -z), (w, 0, z), (-w, 0, z)])
    body.scene.blend(foot, (8, 8, 12), 0.55)


def draw_wheels(
    body: Body, side: float, width: float, centres: list[float], radius: float, hub: Color
) -> None:
    """Queues the wheels of the side that shows, at ``centres`` along the vehicle."""
    x = side * width / 2
    for z in centres:
        rim = [(x, radius + up * radius, z + along * radius) for up, along in _RIM]
        body.face(rim, RUBBER)
        hubcap = [(x, radius + up * radius * 0.58, z + along * radius * 0.58) for up, along in _RIM]
        body.face(hubcap, hub, flags=IMAGE)
