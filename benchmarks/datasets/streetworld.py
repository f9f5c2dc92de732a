"""StreetWorld's held-out scenes, generated, with every class of the world asked for."""

from __future__ import annotations

from collections.abc import Iterator

import cv2

from benchmarks.datasets.evaluation_set import (
    Dataset,
    EvaluationFrame,
    EvaluationSet,
    Selection,
)
from training.data.streetworld import CLASS_NAMES, Scene, generate_scene

NAME = "streetworld"
SEED_STRIDE = 1_000_000  # scenes of --seed 1 never overlap those of --seed 0
COMPOSITION_SHARE = 4  # a scene of held-out compositions for every 4 scenes


def generate_scenes(
    seed: int, scenes: int, size_wh: tuple[int, int], *, namespace: str = "eval"
) -> Iterator[Scene]:
    """The scenes that ``--seed`` stands for, from a namespace that training never draws from."""
    for index in range(scenes):
        yield generate_scene(seed * SEED_STRIDE + index, namespace=namespace, size_wh=size_wh)


def streetworld_set(seed: int, scenes: int, size_wh: tuple[int, int]) -> EvaluationSet:
    """Generated scenes.

    Args:
        seed: which.
        scenes: how many.
        size_wh: of each, in pixels.
    """

    def open_frames() -> Iterator[EvaluationFrame]:
        for scene in generate_scenes(seed, scenes, size_wh):
            yield EvaluationFrame(
                f"{scene.namespace}-{scene.seed}",
                cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR),
                scene.labels_hw,
            )

    def open_compositions() -> Iterator[Scene]:
        count = max(1, scenes // COMPOSITION_SHARE)
        return generate_scenes(seed, count, size_wh, namespace="compositions")

    return EvaluationSet(
        name=NAME,
        words=tuple(CLASS_NAMES),
        count=scenes,
        open=open_frames,
        settings={"seed": seed, "scenes": scenes, "size_wh": list(size_wh), "namespace": "eval"},
        compositions=open_compositions,
    )


def _open(selection: Selection) -> EvaluationSet:
    return streetworld_set(selection.seed or 0, selection.scenes, selection.size_wh)


DATASETS = (Dataset(name=NAME, summary="generated scenes that training never draws", open=_open),)
