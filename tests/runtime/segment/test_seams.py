"""A motion gate and a smoother, small and real, where the frame path lets them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from runtime import Model, Segmenter
from runtime.bundle import Bundle
from runtime.segment.frames import PreparedFrame, RawScores
from runtime.segment.word_scores import Scores, StreamedScores
from tests.support.pictures import BLUE, GREEN, RED, picture


class SameFrameGate:
    """Spares the graph where a frame is, to the last bit, the one that was run last."""

    def __init__(self) -> None:
        self.last: PreparedFrame | None = None

    def spares(self, frame: PreparedFrame) -> bool:
        return self.last is not None and np.array_equal(frame.tensor, self.last.tensor)

    def ran(self, frame: PreparedFrame) -> None:
        self.last = frame


class ExponentialMean:
    """Mixes a share of the mean so far into each frame's scores; begins anew with other words."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.last: RawScores | None = None
        self.times: list[float | None] = []

    def smooth(self, raw: RawScores, frame: PreparedFrame) -> RawScores:
        assert frame.time_s == raw.time_s and frame.size_wh == raw.size_wh
        self.times.append(raw.time_s)
        last, self.last = self.last, raw
        if last is not None and last.queries is raw.queries:
            mixed = {
                name: self._mix(getattr(last, name), getattr(raw, name))
                for name in ("class_scores", "pixel_scores")
            }
            self.last = replace(raw, **mixed)
        return self.last

    def _mix(self, before: Scores | None, now: Scores | None) -> Scores | None:
        if before is None or now is None:
            return now
        if isinstance(before, StreamedScores) and isinstance(now, StreamedScores):
            return replace(now, embeddings=self._mix(before.embeddings, now.embeddings))
        return self.share * np.asarray(before) + (1 - self.share) * np.asarray(now)


@pytest.fixture
def model(bundle: Bundle) -> Iterator[Model]:
    with Model.load(bundle, "onnxruntime-cpu", threads=1) as opened:
        yield opened


@pytest.fixture
def runs(model: Model, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of text of each run of the graph."""
    seen: list[int] = []
    run = model.backend.run

    def counted(feeds: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> Any:
        seen.append(len(feeds["text"]))
        return run(feeds, names)

    monkeypatch.setattr(model.backend, "run", counted)
    return seen


def test_without_gate_every_frame_is_run(model: Model, runs: list[int]) -> None:
    segmenter = Segmenter(model)
    segmenter.set_classes("red,blue", background="none")
    for _ in range(3):
        segmenter(picture(RED, BLUE))
    assert len(runs) == 3


def test_a_gate_spares_the_graph_and_the_labels_are_the_same(model: Model, runs: list[int]) -> None:
    gated, plain = Segmenter(model, motion_gate=SameFrameGate()), Segmenter(model)
    frames = [picture(RED, BLUE), picture(RED, BLUE), picture(BLUE, RED), picture(BLUE, RED, 3)]
    for segmenter, expected in ((plain, 4), (gated, 2)):
        segmenter.set_classes("blue,red")
        runs.clear()
        found = [segmenter(frame) for frame in frames]
        assert len(runs) == expected
        for frame, result in zip(frames, found, strict=True):
            left = 1 if (frame[0, 0] == RED).all() else 0
            width = frame.shape[1] // 2
            assert result.labels.shape == frame.shape[:2]  # a spared frame has a size of its own
            assert (result.labels[:, :width] == left).all()
            assert (result.labels[:, width:] == 1 - left).all()


def test_a_gate_is_not_asked_where_the_scores_would_be_others(
    model: Model, runs: list[int]
) -> None:
    segmenter = Segmenter(model, motion_gate=SameFrameGate())
    frame = picture(GREEN, RED)
    segmenter.set_classes("red,green", background="none")
    assert (segmenter(frame).labels == 0).all()
    segmenter.units = "pixel"
    assert (segmenter(frame).labels[:, :40] == 1).all()
    segmenter.set_classes("green,red", background="none")
    assert (segmenter(frame).labels[:, :40] == 0).all()
    assert len(runs) == 3
    both = segmenter.infer(segmenter.preprocess(frame), "both")
    assert len(runs) == 4
    assert (segmenter.postprocess(both, units="adaptive").labels == 1).all()
    segmenter(frame)
    segmenter.units = "adaptive"
    segmenter(frame)
    assert len(runs) == 4  # the scores of both are there


def test_a_gate_set_while_the_stream_runs(model: Model, runs: list[int]) -> None:
    segmenter = Segmenter(model)
    segmenter.set_classes("red")
    segmenter(picture(RED, BLUE))
    segmenter.motion_gate = SameFrameGate()
    for _ in range(3):
        segmenter(picture(RED, BLUE))
    assert len(runs) == 2
    segmenter.motion_gate = None
    segmenter(picture(RED, BLUE))
    assert len(runs) == 3


@pytest.mark.parametrize("units", ["adaptive", "pixel"])
def test_scores_are_smoothed_before_they_are_labelled(model: Model, units: Any) -> None:
    segmenter = Segmenter(model, smoother=ExponentialMean(0.6))
    segmenter.units = units
    segmenter.set_classes("red,blue", background="none")
    frames = [(picture(RED, RED), 1), (picture(BLUE, BLUE), 2), (picture(BLUE, BLUE), 3)]
    winners = [segmenter(frame, time_s).labels for frame, time_s in frames]
    # Red's share after each: 1, .6, .36.
    assert all((labels == labels[0, 0]).all() for labels in winners)
    assert [int(labels[0, 0]) for labels in winners] == [0, 0, 1]
    assert segmenter.smoother is not None and segmenter.smoother.times == [1, 2, 3]


def test_smoothed_scores_of_very_many_words(model: Model) -> None:
    words = ["red", "blue", *(f"w{number}" for number in range(140))]
    segmenter = Segmenter(model, smoother=ExponentialMean(0.25))
    segmenter.set_classes(words, background="none", allow_unknown=True)
    segmenter(picture(RED, RED))
    scores = np.asarray(segmenter(picture(BLUE, BLUE)).grid_scores)
    np.testing.assert_allclose(scores[0], 0.25, atol=1e-6)
    np.testing.assert_allclose(scores[1], 0.75, atol=1e-6)


def test_other_words_begin_anew(model: Model) -> None:
    segmenter = Segmenter(model, smoother=ExponentialMean(0.9))
    segmenter.set_classes("red,blue", background="none")
    segmenter(picture(RED, RED))
    segmenter.set_classes("red,blue", background="none")
    assert (segmenter(picture(BLUE, BLUE)).labels == 1).all()


def test_spared_frames_are_smoothed_too(model: Model, runs: list[int]) -> None:
    segmenter = Segmenter(model, motion_gate=SameFrameGate(), smoother=ExponentialMean(0.6))
    segmenter.set_classes("red,blue", background="none")
    colors = (RED, BLUE, BLUE, BLUE)
    labels = [int(segmenter(picture(color, color)).labels[0, 0]) for color in colors]
    assert labels == [0, 0, 1, 1] and len(runs) == 2


def test_streams_of_one_model_keep_their_state_apart(model: Model, runs: list[int]) -> None:
    streams = [
        Segmenter(model, motion_gate=SameFrameGate(), smoother=ExponentialMean(0.6))
        for _ in range(2)
    ]
    for segmenter in streams:
        segmenter.set_classes("red,blue", background="none")
    for _ in range(3):
        for segmenter, color, label in zip(streams, (RED, BLUE), (0, 1), strict=True):
            assert (segmenter(picture(color, color)).labels == label).all()
    assert len(runs) == 2
