from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from runtime import Segmenter
from runtime.bundle import Bundle, OutputInfo
from runtime.errors import BundleError, UnknownClassError, UserError
from tests.support.pictures import BLUE, GREEN, RED, picture
from tests.support.streams import wait_for_end


@pytest.fixture
def segmenter(bundle: Bundle) -> Iterator[Segmenter]:
    with Segmenter.load(bundle.path, "onnxruntime-cpu", threads=1) as opened:
        yield opened


def test_five_lines(segmenter: Segmenter) -> None:
    segmenter.set_classes(["blue", "red"])
    frame = picture(RED, BLUE)
    result = segmenter(frame)
    assert result.labels.shape == (60, 80) and result.labels.dtype == np.uint8
    assert (result.labels[:, :40] == 1).all() and (result.labels[:, 40:] == 0).all()
    assert result.areas == {"blue": 0.5, "red": 0.5}
    assert result.class_names == ("blue", "red") == segmenter.class_names
    assert result.units is not None and result.units.tolist() == [[0, 0, 1, 1]] * 3
    assert list(result.latency_ms) == ["preprocess", "infer", "postprocess", "total"]
    assert all(value >= 0 for value in result.latency_ms.values())
    # softmax over red, blue and the background's green (10 * cosine): e^10 / (e^10 + 2)
    assert segmenter.classes is not None and segmenter.classes.background == ("green",)
    assert result.scores["red"] == pytest.approx(np.exp(10) / (np.exp(10) + 2), abs=1e-4)
    assert result.draw(frame).shape == frame.shape


def test_nobodys_green_is_red(segmenter: Segmenter) -> None:
    segmenter.units = "pixel"
    frame = picture(RED, GREEN)
    segmenter.set_classes("red")
    assert (segmenter(frame).labels == [[0] * 40 + [255] * 40]).all()
    segmenter.set_classes("red", background="none")
    assert (segmenter(frame).labels == 0).all()
    segmenter.set_classes("red", background="blue")
    labels = segmenter(frame).labels
    assert (labels[:, :38] == 0).all()


def test_synonyms_share_a_label(segmenter: Segmenter) -> None:
    segmenter.units = "pixel"
    segmenter.set_classes("vivid=red|green,blue")
    assert (segmenter(picture(RED, GREEN)).labels == 0).all()


def test_units_and_pixels_differ_as_the_graph_does(segmenter: Segmenter) -> None:
    # Green is nearer to neither unit; ArgMax takes the first, red. Its unit's color decides.
    segmenter.set_classes("red,green", background="none")
    frame = picture(GREEN, GREEN)
    assert (segmenter(frame).labels == 0).all()
    segmenter.units = "pixel"
    by_pixel = segmenter(frame)
    assert (by_pixel.labels == 1).all() and by_pixel.units is None
    raw = segmenter.infer(segmenter.preprocess(frame), "both")
    assert (segmenter.postprocess(raw, units="adaptive").labels == 0).all()
    assert (segmenter.postprocess(raw, (16, 4), units="pixel").labels == np.ones((4, 16))).all()
    with pytest.raises(UserError) as caught:
        only = segmenter.infer(segmenter.preprocess(frame))
        segmenter.postprocess(only, units="adaptive")
    assert str(caught.value).startswith("these scores hold no adaptive ones")


def test_threshold(segmenter: Segmenter) -> None:
    segmenter.units = "pixel"
    segmenter.set_classes("red,green", background="none")
    half = picture((0, 141, 141), RED)  # between red and green: a probability of one half
    segmenter.threshold = 0.6
    labels = segmenter(half).labels
    assert (labels[:, :28] == 255).all() and (labels[:, 52:] == 0).all()
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="expected a probability from 0 to 1"):
            segmenter.threshold = value
    with pytest.raises(UserError, match="units is 'groups'; expected adaptive or pixel"):
        segmenter.units = "groups"  # type: ignore[assignment]


def test_a_refused_list_leaves_the_old_one(segmenter: Segmenter) -> None:
    segmenter.set_classes("red")
    before = segmenter.classes
    for classes, error in (("red,zebra", UnknownClassError), ("", UserError), ("a,a", UserError)):
        with pytest.raises(error):
            segmenter.set_classes(classes)
    with pytest.raises(UnknownClassError):
        segmenter.set_classes("red", background="zebra")
    assert segmenter.classes is before
    segmenter.set_classes("zebra", allow_unknown=True)
    assert segmenter.class_names == ("zebra",)


def test_too_many_words(segmenter: Segmenter) -> None:
    words = "|".join(f"w{number}" for number in range(1025))
    with pytest.raises(UserError) as caught:
        segmenter.set_classes(f"red={words}", background="none", allow_unknown=True)
    assert str(caught.value) == (
        "1025 words given, classes and background together; at most 1024 fit the graph; give fewer"
    )


def test_254_classes(segmenter: Segmenter) -> None:
    segmenter.set_classes([f"w{number}" for number in range(253)] + ["red"], allow_unknown=True)
    segmenter.units = "pixel"
    assert (segmenter(picture(RED, RED)).labels == 253).all()


def test_no_classes_yet(segmenter: Segmenter) -> None:
    with pytest.raises(UserError) as caught:
        segmenter(picture(RED, RED))
    assert str(caught.value) == ('no classes are set; call set_classes(["person", "car"]) first')


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((6, 8), np.uint8),
        np.zeros((6, 8, 4), np.uint8),
        np.zeros((6, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        None,
    ],
)
def test_frames_of_another_kind(segmenter: Segmenter, frame: Any) -> None:
    segmenter.set_classes("red")
    with pytest.raises(UserError, match=r"expected BGR uint8 \(height, width, 3\)"):
        segmenter(frame)


def test_preprocess_resizes_and_turns_to_rgb(segmenter: Segmenter) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    prepared = segmenter.preprocess(frame)
    assert prepared.tensor.shape == (1, 6, 8, 3) and prepared.size_wh == (64, 48)
    by_area = frame.reshape(6, 8, 8, 8, 3).mean(axis=(1, 3))[..., ::-1]
    assert np.abs(prepared.tensor[0] - by_area).max() <= 0.5
    small = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    linear = cv2.resize(small, (8, 6), interpolation=cv2.INTER_LINEAR)[..., ::-1]
    np.testing.assert_array_equal(segmenter.preprocess(small).tensor[0], linear)
    view = frame[::-1, ::2]  # not contiguous
    np.testing.assert_array_equal(
        segmenter.preprocess(view).tensor, segmenter.preprocess(view.copy()).tensor
    )


def test_a_frame_keeps_the_classes_of_its_inference(segmenter: Segmenter) -> None:
    segmenter.set_classes("red")
    raw = segmenter.infer(segmenter.preprocess(picture(RED, BLUE)))
    segmenter.set_classes("blue,yellow,red")
    result = segmenter.postprocess(raw)
    assert result.class_names == ("red",) and result.areas == {"red": 0.5}


def test_classes_change_while_frames_run(segmenter: Segmenter) -> None:
    lists = {("red", "blue"): (0, 1), ("blue", "red"): (1, 0)}
    segmenter.set_classes(["red", "blue"])
    frame, stop = picture(RED, BLUE, 2), threading.Event()

    def change() -> None:
        while not stop.is_set():
            for names in lists:
                segmenter.set_classes(names)
            # A thread that never waits leaves the other one next to nothing of the interpreter.
            stop.wait(0.0005)

    changer = threading.Thread(target=change, daemon=True)
    changer.start()
    try:
        for _ in range(200):
            result = segmenter(frame)
            left, right = lists[result.class_names]
            assert (result.labels[:, :8] == left).all() and (result.labels[:, 8:] == right).all()
    finally:
        stop.set()
        wait_for_end(changer)


def test_the_graph_must_be_the_manifests(make_bundle: Callable[..., Bundle], graphs: Any) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"files": {"segmenter.onnx": graphs.segmenter(dtype="FLOAT16")}},
            "segmenter.onnx: input text is float16 (K, 3), expected float32 (K, 3)",
        ),
        (
            {"files": {"segmenter.onnx": graphs.segmenter(drop_output="unit_scores")}},
            "segmenter.onnx: the graph has no output unit_scores, expected float32 (2, K)",
        ),
        (
            {"output": OutputInfo((4, 3), 5)},
            "segmenter.onnx: output unit_scores is float32 (2, K), expected float32 (5, K)",
        ),
        (
            {"output": OutputInfo((3, 4), 2)},
            "segmenter.onnx: output class_scores is float32 (1, K, 3, 4), "
            "expected float32 (1, K, 4, 3)",
        ),
        (
            {"files": {"segmenter.onnx": graphs.text_encoder()}},
            "segmenter.onnx: the graph asks for an input tokens, expected frame, text",
        ),
    ]
    for number, (change, message) in enumerate(cases):
        path = make_bundle(f"bundle{number}", **change).path
        with pytest.raises(BundleError) as caught:
            Segmenter.load(path)
        assert str(caught.value) == f"{message}; export the bundle again with python -m export"


def test_a_foreign_text_encoder_is_refused_when_it_is_needed(
    make_bundle: Callable[..., Bundle], graphs: Any
) -> None:
    bundle = make_bundle(files={"text_encoder.onnx": graphs.segmenter()})
    with Segmenter.load(bundle) as segmenter:
        segmenter.set_classes("red")
        with pytest.raises(BundleError, match=r"text_encoder\.onnx: the graph asks for an input"):
            segmenter.set_classes("red bus")
