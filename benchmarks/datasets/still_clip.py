"""A street as a fixed camera sees it: nothing moves but, for a while, a far walker and a car.

The things are those of the demo clip (:mod:`training.data.streetworld.moment`), with sensor noise
of its own in every frame, and compressed as a camera's stream is. Truth is exact.
"""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import (
    Dataset,
    EvaluationFrame,
    EvaluationSet,
    Selection,
)
from runtime.sources import open_video
from training.data.streetworld import CLASS_NAMES
from training.data.streetworld.camera import expose
from training.data.streetworld.masks import labels_of
from training.data.streetworld.moment import compose_moment
from training.data.streetworld.painter import paint
from training.data.streetworld.street import Actor, plan_street

NAME = "still-clip"
FPS = 15
FRAMES = 300
SIZE_WH = (640, 480)
SEED = 11
#: Sensor noise, as the demo clip has it, is 3 grey levels; x264's constant rate factor.
QUALITY = 23
_ZOOM = 1.8


@dataclasses.dataclass(frozen=True)
class Walk:
    """A thing that crosses the picture.

    Attributes:
        actor: what it is, and where it stands when it sets out.
        start_s, end_s: when it moves; before and after it is not there.
    """

    actor: Actor
    start_s: float
    end_s: float

    def at(self, seconds: float) -> Actor | None:
        """The thing where it is now, None while it is not there."""
        if not self.start_s <= seconds < self.end_s:
            return None
        x, depth = self.actor.at(seconds - self.start_s)
        return dataclasses.replace(self.actor, x=x, depth=depth)


#: Somebody crosses the street 24 m away, a sixth of the picture's height; a car comes by.
WALKS = (
    Walk(Actor("person", -2.2, 24.0, 1.3, 0.0, 91, "red", "side"), 4.0, 6.0),
    Walk(Actor("oncoming", -1.7, 34.0, 0.0, -16.0, 92, "blue"), 12.0, 13.6),
)
#: The same walker, one after another for as long as the clip takes.
CROWD = tuple(
    Walk(Actor("person", -3.2, 24.0, 1.3, 0.0, 91, "red", "side"), start, start + 5.0)
    for start in (0.0, 5.0, 10.0, 15.0)
)


def draw_still_street(
    seed: int, walks: tuple[Walk, ...] = WALKS, frames: int = FRAMES
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """RGB uint8 (H, W, 3) and labels uint8 (H, W) of each frame, before compression.

    Args:
        seed: which street, in the demo clip's own stream of seeds.
        walks: what moves.
        frames: how many, :data:`FPS` a second.
    """
    street = plan_street(seed, "demo")
    street.focal *= _ZOOM
    # Nobody stands still in the middle of the road for as long as the clip takes.
    waiting = [one for one in street.actors if one.what not in ("oncoming", "ahead", "bicyclist")]
    for frame in range(frames):
        moving = [walk.at(frame / FPS) for walk in walks]
        street.actors = [*waiting, *(one for one in moving if one is not None)]
        shapes = compose_moment(street, 0.0)
        rng = street.rng(10, frame)
        street.weather.noise_at = (rng.random(), rng.random())
        yield expose(*paint(shapes, SIZE_WH), street.weather), labels_of(shapes, SIZE_WH)


def still_clip_set(
    seed: int = SEED, walks: tuple[Walk, ...] = WALKS, name: str = NAME, frames: int = FRAMES
) -> EvaluationSet:
    """The clip as a user's decoder gives it.

    Args:
        seed, walks, frames: see :func:`draw_still_street`.
        name: of the set.
    """

    def open_frames() -> Iterator[EvaluationFrame]:
        with tempfile.TemporaryDirectory(prefix="still-clip-") as folder:
            path = Path(folder) / "clip.mp4"
            truths = _write(path, draw_still_street(seed, walks, frames))
            clip = open_video(str(path))
            clip.open()
            try:
                for frame, truth in zip(clip.frames(threading.Event()), truths, strict=True):
                    yield EvaluationFrame(f"{frame.index:06d}", frame.image_bgr, truth)
            finally:
                clip.close()

    return EvaluationSet(
        name=name,
        words=tuple(CLASS_NAMES),
        count=frames,
        open=open_frames,
        settings={"seed": seed, "namespace": "demo", "crf": QUALITY},
    )


def _write(path: Path, frames: Iterator[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Compress the pictures into a file as H.264; their labels, as PNG in memory."""
    import av

    truths = []
    options = {"crf": str(QUALITY), "preset": "veryfast", "threads": "1"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options=options)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt = "yuv420p"
        for image_hw3, labels_hw in frames:
            picture = av.VideoFrame.from_ndarray(image_hw3, format="rgb24")
            container.mux(stream.encode(picture))
            truths.append(labels_hw)
        container.mux(stream.encode(None))
    return truths


def _open(selection: Selection) -> EvaluationSet:
    return still_clip_set(SEED if selection.seed is None else selection.seed)


def _open_walked(selection: Selection) -> EvaluationSet:
    return still_clip_set(
        SEED if selection.seed is None else selection.seed, CROWD, "still-clip-walked"
    )


DATASETS = (
    Dataset(
        name=NAME,
        summary="a street before a fixed camera, where little moves (--seed)",
        open=_open,
        seed=SEED,
    ),
    Dataset(
        name="still-clip-walked",
        summary="the same street, where far away somebody always walks",
        open=_open_walked,
        seed=SEED,
    ),
)
