"""One model, several streams: each gets exactly what it would get alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from runtime import Model, Segmenter
from runtime.bundle import Bundle
from runtime.errors import MgcaError, UserError
from runtime.segment.result import Result
from tests.support.pictures import BLUE, RED, picture
from tests.support.streams import wait_for_end

# Words, background, units and threshold of four streams; "w..." are encoded on the device, and of
# the last stream's many words the scores are computed outside the graph.
STREAMS: dict[str, dict[str, Any]] = {
    "two": {"classes": "red,blue", "background": "auto"},
    "turned round": {"classes": ["blue", "green", "red"], "background": "none", "units": "pixel"},
    "unsure": {"classes": "warm=red|yellow", "background": "blue,green", "threshold": 0.7},
    "many": {
        "classes": ["red", *(f"w{number}" for number in range(140))],
        "background": "none",
        "units": "pixel",
    },
}
FRAMES = 25


@pytest.fixture
def model(bundle: Bundle) -> Iterator[Model]:
    with Model.load(bundle, "onnxruntime-cpu", threads=1) as opened:
        yield opened


def frames_of(name: str) -> Iterator[np.ndarray]:
    """Frames of a stream's own size, alike in every run."""
    stream = list(STREAMS).index(name)
    draw = np.random.default_rng(stream)
    for _ in range(FRAMES):
        yield draw.integers(0, 256, (30 + 6 * stream, 40, 3), dtype=np.uint8)


def segment_all(segmenter: Segmenter, name: str) -> list[Result]:
    wanted = STREAMS[name]
    segmenter.units = wanted.get("units", "adaptive")
    segmenter.threshold = wanted.get("threshold", 0.0)
    segmenter.set_classes(wanted["classes"], wanted["background"], allow_unknown=True)
    return [segmenter(frame) for frame in frames_of(name)]


def test_threads_that_share_a_model_get_what_each_gets_alone(bundle: Bundle, model: Model) -> None:
    found: dict[str, list[Result]] = {}
    together = threading.Barrier(len(STREAMS))

    def work(name: str) -> None:
        together.wait(60)
        found[name] = segment_all(Segmenter(model), name)

    threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in STREAMS]
    for thread in threads:
        thread.start()
    wait_for_end(*threads)
    assert set(found) == set(STREAMS), "a stream has failed"
    for name, results in found.items():
        with Segmenter.load(bundle, "onnxruntime-cpu", threads=1) as alone:
            for ours, theirs in zip(results, segment_all(alone, name), strict=True):
                assert ours.class_names == theirs.class_names
                np.testing.assert_array_equal(ours.labels, theirs.labels)
                np.testing.assert_array_equal(
                    np.asarray(ours.grid_scores), np.asarray(theirs.grid_scores)
                )


def test_the_graph_is_run_once_at_a_time(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    run, inside, most = model.backend.run, [0], [0]
    counting = threading.Lock()

    def counted(feeds: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> Any:
        with counting:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        try:
            threading.Event().wait(0.002)  # lets any other thread in
            return run(feeds, names)
        finally:
            with counting:
                inside[0] -= 1

    monkeypatch.setattr(model.backend, "run", counted)

    def work() -> None:
        segmenter = Segmenter(model)
        segmenter.set_classes("red")
        for _ in range(5):
            segmenter(picture(RED, BLUE))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for_end(*threads)
    assert most == [1]


def test_what_one_stream_says_is_not_said_of_another(model: Model) -> None:
    one, other = Segmenter(model), Segmenter(model)
    one.set_classes("red")
    one.units, one.threshold = "pixel", 0.5
    assert other.class_names == () and other.units == "adaptive" and other.threshold == 0.0
    with pytest.raises(UserError, match="no classes are set"):
        other(picture(RED, BLUE))
    assert one.backend is other.backend and one.text_embedder is other.text_embedder


def test_a_shared_model_outlives_its_segmenters(model: Model) -> None:
    with Segmenter(model) as first:
        first.set_classes("red")
    second = Segmenter(model)
    second.set_classes("red,blue")
    assert second(picture(RED, BLUE)).areas == {"red": 0.5, "blue": 0.5}
    model.close()
    with pytest.raises(MgcaError, match="has been closed"):
        second(picture(RED, BLUE))


def test_a_model_of_its_own_is_closed_with_the_segmenter(bundle: Bundle) -> None:
    segmenter = Segmenter.load(bundle, "onnxruntime-cpu", threads=1)
    segmenter.set_classes("red")
    segmenter.close()
    segmenter.close()
    with pytest.raises(MgcaError, match="has been closed"):
        segmenter(picture(RED, BLUE))


def test_units_that_are_none(model: Model) -> None:
    frame = model.preprocess(picture(RED, BLUE))
    with pytest.raises(UserError, match="units is 'groups'; expected adaptive, pixel or both"):
        model.score(frame, model.prepare_queries("red"), "groups")  # type: ignore[arg-type]
