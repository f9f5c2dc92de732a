"""A street that moves: the same things and the same look as the still scenes, over time.

Nothing is remembered between frames but numbers: each thing has its own rng, begun anew for
every frame, so it looks the same while its place changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from training.data.streetworld.camera import expose
from training.data.streetworld.masks import labels_of
from training.data.streetworld.moment import compose_moment
from training.data.streetworld.painter import paint
from training.data.streetworld.rng import NAMESPACES
from training.data.streetworld.scene import Draft, Origin, Scene, describe, look
from training.data.streetworld.street import Street, plan_street

#: The camera's focal length beside that of the still streets.
ZOOM = 1.8


def moving_scene(
    seed: int,
    *,
    namespace: str = "demo",
    frames: int,
    fps: float = 15,
    size_wh: tuple[int, int] = (640, 480),
    zoom: float = ZOOM,
) -> Iterator[Scene]:
    """A drive down a street, frame by frame, with exact labels.

    Cars, a bus, people, a bicyclist and a dog move; the camera drifts. The same arguments give
    the same frames, and a frame does not depend on how many are asked for.

    Args:
        seed: which street, from 0.
        namespace: its stream of seeds, any of :data:`rng.NAMESPACES` but "train".
        frames: how many.
        fps: frames a second of the scene's own time.
        size_wh: width and height of a frame in pixels.
        zoom: the camera's focal length beside that of the still streets: a longer lens brings
            people and cars nearer.

    Yields:
        A scene a frame.

    Raises:
        ValueError: for a namespace that has no moving scenes ("train") or a negative seed.
    """
    if namespace == "train":
        others = tuple(name for name in NAMESPACES if name != "train")
        raise ValueError(f"a moving scene needs a namespace of {others}, got {namespace!r}")
    street = plan_street(seed, namespace)
    street.focal *= zoom
    for frame in range(frames):
        yield _scene_at(street, frame, fps, size_wh, Origin(namespace), seed)


def _scene_at(
    street: Street, frame: int, fps: float, size_wh: tuple[int, int], origin: Origin, seed: int
) -> Scene:
    shapes = compose_moment(street, frame / fps)
    rng = street.rng(10, frame)
    street.weather.noise_at = (rng.random(), rng.random())
    draft = Draft(shapes, street.weather, "moving", rng)
    parts = look(draft)
    return Scene(
        image_hw3=expose(*paint(shapes, size_wh), street.weather),
        labels_hw=labels_of(shapes, size_wh),
        captions=describe(draft, parts),
        namespace=origin.namespace,
        seed=seed,
        parts=tuple((part.noun, part.color, part.share) for part in parts),
    )
