"""Scenes: the same on every run, the same at every size, different in every namespace."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.support.processes import LIMIT_S
from training.data.streetworld import (
    CLASS_NAMES,
    HELD_OUT_COMPOSITIONS,
    NAMESPACES,
    Scene,
    generate_pair,
    generate_scene,
)
from training.data.streetworld.scene import Origin, draft_scene

# Words and numbers of a scene are the same everywhere; pixels are on x86-64 with this cv2.
WORDS_SHA256 = "38c68b9637f091752616518670c81e8b2efbe8a9bb35545dd7d6657df03dcfdb"
PIXELS_SHA256 = "bb9fa23ba44d6963676b22e08316564a0fc4ad6536d636b368575f1ed1a606f6"
PIXELS_MADE_WITH = ("5.0.0", "x86_64")
# Training scenes as generate_pair draws them unless told otherwise.
TRAIN = {"variant": "singles", "exposure": "v1"}

_DIGEST = """
import hashlib
from training.data.streetworld import generate_pair, generate_scene
digest = hashlib.sha256()
for seed in (3, 1_000_003):
    image, captions = generate_pair(seed)
    scene = generate_scene(seed, namespace="eval", size_wh=(160, 120))
    for part in (image, scene.image_hw3, scene.labels_hw):
        digest.update(part.tobytes())
    digest.update(repr((captions, scene.captions, scene.parts)).encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def recorded() -> list[Scene]:
    """Eight scenes of every namespace."""
    return [
        generate_scene(seed, namespace=namespace, **(TRAIN if namespace == "train" else {}))
        for namespace in NAMESPACES
        for seed in range(8)
    ]


def test_words_are_those_of_every_other_machine(recorded: list[Scene]) -> None:
    digest = hashlib.sha256("".join(repr(scene.captions) for scene in recorded).encode())
    assert digest.hexdigest() == WORDS_SHA256


def test_pixels_are_those_once_recorded(recorded: list[Scene]) -> None:
    if (cv2.__version__, platform.machine()) != PIXELS_MADE_WITH:
        pytest.skip(f"recorded with cv2 and machine {PIXELS_MADE_WITH}")
    digest = hashlib.sha256()
    for scene in recorded:
        digest.update(scene.image_hw3.tobytes() + scene.labels_hw.tobytes())
    assert digest.hexdigest() == PIXELS_SHA256


def test_namespaces_never_share_a_scene(recorded: list[Scene]) -> None:
    assert len({scene.image_hw3.tobytes() for scene in recorded}) == 8 * len(NAMESPACES)


def test_two_processes_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Another one, which hashes strings otherwise, and this one."""
    command = [sys.executable, "-c", _DIGEST]
    other = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    exec(_DIGEST, {})
    assert capsys.readouterr().out == other.stdout
    assert len(other.stdout.strip()) == 64


def test_shapes_and_types() -> None:
    scene = generate_scene(5, namespace="eval", size_wh=(100, 60))
    assert scene.image_hw3.shape == (60, 100, 3) and scene.image_hw3.dtype == np.uint8
    assert scene.labels_hw.shape == (60, 100) and scene.labels_hw.dtype == np.uint8
    assert set(np.unique(scene.labels_hw)) <= {*range(len(CLASS_NAMES)), 255}
    assert (scene.namespace, scene.seed) == ("eval", 5)
    assert 1 <= len(scene.captions) <= 6


@pytest.mark.parametrize("seed", range(8))
def test_a_finer_scene_is_the_same_scene(seed: int) -> None:
    coarse = generate_scene(seed, namespace="eval", size_wh=(128, 96))
    fine = generate_scene(seed, namespace="eval", size_wh=(384, 288))
    assert coarse.captions == fine.captions and coarse.parts == fine.parts
    assert (fine.labels_hw[1::3, 1::3] == coarse.labels_hw).mean() > 0.95
    shrunk = cv2.resize(fine.image_hw3, (16, 12), interpolation=cv2.INTER_AREA)
    small = cv2.resize(coarse.image_hw3, (16, 12), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 9


def test_a_pair_is_the_training_scene_without_its_labels() -> None:
    image, captions = generate_pair(17)
    scene = generate_scene(17, namespace="train", **TRAIN)
    assert np.array_equal(image, scene.image_hw3)
    assert captions == scene.captions


def test_training_never_asks_for_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("generate_pair asked for labels")

    before = [generate_pair(seed) for seed in range(6)]
    monkeypatch.setattr("training.data.streetworld.masks.labels_of", refuse)
    with pytest.raises(AssertionError):
        generate_scene(0, namespace="eval")
    for seed, (image, captions) in enumerate(before):
        again, words = generate_pair(seed)
        assert np.array_equal(again, image) and words == captions


@pytest.mark.parametrize(("namespace", "seed"), [("test", 0), ("", 0), ("train", -1)])
def test_wrong_names_and_seeds_are_refused(namespace: str, seed: int) -> None:
    with pytest.raises(ValueError, match=r"namespace|seed"):
        generate_scene(seed, namespace=namespace)


def test_training_never_draws_a_held_out_composition() -> None:
    drawn = {
        (thing.color, thing.noun)
        for seed in range(500)
        for thing in draft_scene(seed, Origin("train", **TRAIN)).shapes.things
    }
    assert not drawn & set(HELD_OUT_COMPOSITIONS)
    for color, noun in HELD_OUT_COMPOSITIONS:  # each word is learned, only the pair is new
        assert sum(pair[0] == color for pair in drawn) >= 3
        assert sum(pair[1] == noun for pair in drawn) >= 5


def test_a_compositions_scene_shows_its_composition() -> None:
    for seed in range(36):
        scene = generate_scene(seed, namespace="compositions", size_wh=(64, 48))
        color, noun = HELD_OUT_COMPOSITIONS[seed % len(HELD_OUT_COMPOSITIONS)]
        assert any(part[:2] == (noun, color) for part in scene.parts), seed
        assert (scene.labels_hw == CLASS_NAMES.index(noun)).any()
