"""A street that moves, and which of its cars, people and animals each pixel belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.parity.frames import DEMO_CLIP_FPS, DEMO_CLIP_FRAMES, DEMO_CLIP_SIZE_WH
from training.data.streetworld.drawing import DisplayList
from training.data.streetworld.masks import labels_of, things_of
from training.data.streetworld.moment import compose_moment
from training.data.streetworld.moving import ZOOM
from training.data.streetworld.street import plan_street

#: What moves, or might: the classes whose things are followed.
MOVERS = ("person", "car", "bus", "bicyclist", "dog")
_ACTORS = ("parked", "oncoming", "ahead", "bus", "person", "bicyclist", "dog")

__all__ = ["MOVERS", "ActorFrame", "street_actors"]


@dataclass(frozen=True)
class ActorFrame:
    """One frame of a street.

    Attributes:
        time_s: when.
        labels_hw: uint8 (H, W), the exact classes.
        actors_hw: uint8 (H, W), the actor's number, from 1, seen at each pixel; 0 for none.
        outlines: int (256,), how many pixels of each actor would be seen if nothing were before it.
    """

    time_s: float
    labels_hw: NDArray[np.uint8]
    actors_hw: NDArray[np.uint8]
    outlines: NDArray[np.int64]


def street_actors(seed: int, frames: int = DEMO_CLIP_FRAMES) -> Iterator[ActorFrame]:
    """The frames of :func:`~training.data.streetworld.moving_scene` of the namespace ``demo``."""
    street = plan_street(seed, "demo")
    street.focal *= ZOOM
    keys = {actor.key for actor in street.actors if actor.what in _ACTORS}
    for frame in range(frames):
        time_s = frame / DEMO_CLIP_FPS
        scene = compose_moment(street, time_s)
        actor_of_thing = np.zeros(256, np.uint8)
        for thing, key in scene.actor_of_thing.items():
            actor_of_thing[thing] = key + 1 if key in keys else 0
        labels_hw = labels_of(scene, DEMO_CLIP_SIZE_WH)
        actors_hw = actor_of_thing[things_of(scene, DEMO_CLIP_SIZE_WH)]
        yield ActorFrame(time_s, labels_hw, actors_hw, _outlines(scene, actor_of_thing))


def _outlines(scene: DisplayList, actor_of_thing: NDArray[np.uint8]) -> NDArray[np.int64]:
    counts = np.zeros(256, np.int64)
    shapes = scene.shapes
    for actor in np.unique(actor_of_thing[actor_of_thing > 0]).tolist():
        scene.shapes = [shape for shape in shapes if actor_of_thing[shape.thing] == actor]
        counts[actor] = np.count_nonzero(things_of(scene, DEMO_CLIP_SIZE_WH))
    scene.shapes = shapes
    return counts
