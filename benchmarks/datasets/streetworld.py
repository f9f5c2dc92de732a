"""StreetWorld's held-out scenes, generated, with every class of the world asked for.

They are versioned: a change of the pictures changes every score, so it is a new version beside the
old one, never a change of the old one. ``v1``: exposed as training scenes are, suns often burnt out
into the sky around them. ``v2``: exposed for a sun in view. ``streetworld`` is the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2

from benchmarks.datasets.evaluation_set import (
    Dataset,
    EvaluationFrame,
    EvaluationSet,
    Selection,
)
from training.data.streetworld import CLASS_NAMES, EXPOSURES, Scene, generate_scene

NAME = "streetworld"
NEWEST = "v2"
SEED_STRIDE = 1_000_000  # scenes of --seed 1 never overlap those of --seed 0
COMPOSITION_SHARE = 4  # a scene of held-out compositions for every 4 scenes


def generate_scenes(
    seed: int,
    scenes: int,
    size_wh: tuple[int, int],
    *,
    namespace: str = "eval",
    version: str = NEWEST,
) -> Iterator[Scene]:
    """The scenes that ``--seed`` stands for.

    Args:
        seed: which.
        scenes: how many.
        size_wh: of each, in pixels.
        namespace: "eval" or "compositions"; training draws from neither.
        version: of the held-out scenes.
    """
    for index in range(scenes):
        yield generate_scene(
            seed * SEED_STRIDE + index, namespace=namespace, size_wh=size_wh, exposure=version
        )


def streetworld_set(
    seed: int, scenes: int, size_wh: tuple[int, int], version: str = NEWEST
) -> EvaluationSet:
    """Generated scenes.

    Args:
        seed: which.
        scenes: how many.
        size_wh: of each, in pixels.
        version: of the held-out scenes.
    """

    def open_frames() -> Iterator[EvaluationFrame]:
        for scene in generate_scenes(seed, scenes, size_wh, version=version):
            yield EvaluationFrame(
                f"{scene.namespace}-{scene.seed}",
                cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR),
                scene.labels_hw,
            )

    def open_compositions() -> Iterator[Scene]:
        count = max(1, scenes // COMPOSITION_SHARE)
        return generate_scenes(seed, count, size_wh, namespace="compositions", version=version)

    return EvaluationSet(
        name=NAME,
        words=tuple(CLASS_NAMES),
        count=scenes,
        open=open_frames,
        settings={"seed": seed, "scenes": scenes, "size_wh": list(size_wh), "namespace": "eval"},
        version=f"{NAME}-{version}",
        compositions=open_compositions,
    )


def _opens(version: str) -> Callable[[Selection], EvaluationSet]:
    def open_set(selection: Selection) -> EvaluationSet:
        return streetworld_set(
            selection.seed or 0, selection.scenes, selection.size_wh, version=version
        )

    return open_set


DATASETS = (
    Dataset(
        name=NAME,
        summary=f"generated scenes that training never draws, those of {NAME}-{NEWEST}",
        open=_opens(NEWEST),
    ),
    *(
        Dataset(
            name=f"{NAME}-{version}", summary=f"the same in version {version}", open=_opens(version)
        )
        for version in EXPOSURES
    ),
)
