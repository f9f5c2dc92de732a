"""The still gate on synthetic prepared frames, and in segmenters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import pytest

from runtime import Model, Segmenter
from runtime.bundle import Bundle
from runtime.segment.frames import PreparedFrame
from runtime.segment.still import LONGEST_FRAMES, SMALL_CHANGE_S, StillGate
from tests.support.pictures import BLUE, GREEN, RED, picture

FPS = 15
FOR_EVER = 1e9
# Drawn once, and rolled for each frame: drawing is what would take the time here.
NOISE = np.random.default_rng(7).standard_normal((96, 128, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    """A textured picture, float32 (96, 128, 3), of 60 to 190 grey levels."""
    colors = np.random.default_rng(3).uniform(60, 190, (24, 32, 3)).astype(np.float32)
    return cv2.resize(colors, (128, 96), interpolation=cv2.INTER_CUBIC)


def prepared(
    image_hw3: np.ndarray,
    index: int,
    noise: float = 2.0,
    size_wh: tuple[int, int] = (640, 480),
    timed: bool = True,
) -> PreparedFrame:
    """A picture with sensor noise of so many grey levels, as the segmenter hands it over."""
    noisy = image_hw3 + noise * np.roll(NOISE, 37 * index, axis=(0, 1))
    tensor = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[None]
    return PreparedFrame(tensor, size_wh, index / FPS if timed else None)


def frames_run(gate: StillGate, frames: Iterable[PreparedFrame]) -> list[int]:
    """The places of the frames that are run, as a segmenter asks and tells the gate."""
    found = []
    for index, frame in enumerate(frames):
        if index == 0 or not gate.spares(frame):
            gate.ran(frame)
            found.append(index)
    return found


@pytest.mark.parametrize("noise", [0.0, 2.0, 5.0])
def test_noise_alone_is_spared(street: np.ndarray, noise: float) -> None:
    frames = (prepared(street, index, noise) for index in range(60))
    assert frames_run(StillGate(FOR_EVER), frames) == [0]


def test_a_light_that_is_switched_on(street: np.ndarray) -> None:
    frames = (prepared(street * (0.7 if index < 12 else 0.9), index) for index in range(24))
    assert frames_run(StillGate(FOR_EVER), frames) == [0, 12]


def test_a_lamp_that_lights_a_corner(street: np.ndarray) -> None:
    lit = street.copy()
    lit[:20, :20] += 14
    frames = (prepared(street if index < 12 else lit, index) for index in range(24))
    assert frames_run(StillGate(FOR_EVER), frames) == [0, 12]


def test_a_dusk_adds_up(street: np.ndarray) -> None:
    frames = (prepared(street * (1 - 0.002 * index), index) for index in range(60))
    run = frames_run(StillGate(FOR_EVER), frames)
    # Two frames in a row differ by 0.4 grey levels; scores are kept until it is about 4 to 6.
    assert 3 < len(run) < 12


def test_a_slow_pan_adds_up(street: np.ndarray) -> None:
    def panned(index: int) -> np.ndarray:
        moved = np.array([[1, 0, 0.04 * index], [0, 1, 0]], np.float32)
        return cv2.warpAffine(street, moved, (128, 96), borderMode=cv2.BORDER_REFLECT)

    gate = StillGate(FOR_EVER)
    run = frames_run(gate, (prepared(panned(index), index) for index in range(60)))
    steps = np.diff(run)
    assert len(run) > 3 and steps.min() > 1  # no single step is seen
    assert steps.max() * 0.04 < 0.5  # scores never lie half a pixel off


def test_a_far_walker_is_seen_at_once_and_followed(street: np.ndarray) -> None:
    def walked(index: int) -> np.ndarray:
        image = street.copy()
        if index >= 10:
            left = 20 + (index - 10)
            image[40:46, left : left + 2] = 30  # 6 by 2 pixels, a thousandth of the picture
        return image

    run = frames_run(StillGate(FOR_EVER), (prepared(walked(index), index) for index in range(40)))
    assert run[:2] == [0, 10]
    assert np.diff(run[1:]).max() <= np.ceil(SMALL_CHANGE_S * FPS)
    assert run[-1] >= 38


def test_large_changes_never_wait(street: np.ndarray) -> None:
    frames = (prepared(np.roll(street, 3 * index, axis=1), index) for index in range(8))
    assert frames_run(StillGate(FOR_EVER), frames) == list(range(8))


def test_a_cut_and_back(street: np.ndarray) -> None:
    pictures = [street, street, street[::-1], street[::-1], street]
    frames = (prepared(image, index) for index, image in enumerate(pictures))
    assert frames_run(StillGate(FOR_EVER), frames) == [0, 2, 4]


def test_scores_never_grow_stale(street: np.ndarray) -> None:
    timed = (prepared(street, index) for index in range(31))
    assert frames_run(StillGate(longest_s=1.0), timed) == [0, 15, 30]
    untimed = (prepared(street, index, timed=False) for index in range(12))
    assert frames_run(StillGate(longest_frames=4), untimed) == [0, 5, 10]
    assert LONGEST_FRAMES > 1


def test_a_clock_that_goes_back_is_another_source(street: np.ndarray) -> None:
    frames = [prepared(street, index) for index in (100, 101, 0, 1)]
    assert frames_run(StillGate(), frames) == [0, 2]


def test_another_size_of_the_source(street: np.ndarray) -> None:
    sizes = [(640, 480), (640, 480), (320, 240), (320, 240)]
    frames = (prepared(street, index, size_wh=size) for index, size in enumerate(sizes))
    assert frames_run(StillGate(), frames) == [0, 2]


def test_where_it_is_not_wanted_every_frame_is_run(street: np.ndarray) -> None:
    live = [False]
    gate = StillGate(wanted=lambda: live[0])
    assert frames_run(gate, [prepared(street, index) for index in range(3)]) == [0, 1, 2]
    live[0] = True
    assert frames_run(gate, [prepared(street, index) for index in range(3)]) == [0]


@pytest.fixture
def model(bundle: Bundle) -> Iterator[Model]:
    with Model.load(bundle, "onnxruntime-cpu", threads=1) as opened:
        yield opened


def test_other_words_units_or_sizes_are_run(model: Model) -> None:
    segmenter = Segmenter(model, motion_gate=StillGate())
    segmenter.set_classes("red,green", background="none")
    frame = picture(GREEN, RED)
    assert [segmenter(frame, 0.0).spared, segmenter(frame, 0.1).spared] == [False, True]
    segmenter.set_classes("green,red", background="none")
    other = segmenter(frame, 0.2)
    assert not other.spared and other.words == ("green", "red")
    segmenter.units = "pixel"
    assert not segmenter(frame, 0.3).spared
    assert segmenter(frame, 0.4).spared
    assert not segmenter(picture(GREEN, RED, 3), 0.5).spared


def test_streams_of_one_model_are_spared_apart(model: Model) -> None:
    door, yard = (Segmenter(model, motion_gate=StillGate()) for _ in range(2))
    for segmenter in (door, yard):
        segmenter.set_classes("red,blue", background="none")
    for index in range(3):
        for segmenter, color, label in ((door, RED, 0), (yard, BLUE, 1)):
            result = segmenter(picture(color, color), index / FPS)
            assert result.spared == (index > 0)
            assert (result.labels == label).all()


def test_a_spared_frame_owns_its_labels(model: Model) -> None:
    segmenter = Segmenter(model, motion_gate=StillGate())
    segmenter.set_classes("red,blue", background="none")
    for index in range(3):
        result = segmenter(picture(RED, BLUE), index / FPS)
        assert (result.labels[:, :40] == 0).all() and (result.labels[:, 40:] == 1).all()
        result.labels[:] = 7  # whoever gets a result may write to it


def test_a_spared_frame_is_labelled_anew_for_another_threshold_or_size(model: Model) -> None:
    segmenter = Segmenter(model, motion_gate=StillGate())
    segmenter.set_classes("red,blue", background="none")
    segmenter(picture(RED, BLUE), 0.0)
    raw = segmenter.infer(segmenter.preprocess(picture(RED, BLUE), 0.1))
    assert raw.spared
    assert segmenter.postprocess(raw, (11, 7)).labels.shape == (7, 11)
    segmenter.threshold = 1.0
    assert (segmenter.postprocess(raw).labels == 255).all()
    segmenter.threshold = 0.0
    assert (segmenter.postprocess(raw).labels != 255).all()
