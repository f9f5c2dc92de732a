"""Words change while frames run: the next frame has them, and a bad list changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime import Model, Segmenter
from runtime.draw.palette import palette
from runtime.errors import UnknownClassError, UserError
from runtime.events import Event
from runtime.live_words import change_style, change_words
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.streams import LONG_S, Keeper, Scenes


class Hearer(Keeper):
    """Also keeps the events."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture(scope="module")
def model(color_bundle: Path) -> Iterator[Model]:
    with Model.load(color_bundle, "onnxruntime-cpu", threads=1) as model:
        yield model


@pytest.fixture
def make_stream(model: Model):
    def make(words: str, sink: Keeper, scenes: Scenes, background: str = "none") -> Stream:
        segmenter = Segmenter(model)
        segmenter.set_classes(words, background=background)
        return Stream(scenes, segmenter, [sink], name="yard")

    return make


def test_the_next_frame_has_the_new_words(make_stream) -> None:
    """Frames in work when the list changes may have either, later ones the new one alone."""
    sink = Hearer()
    scenes = Scenes(12, after=lambda index: index == 5 and change_words(stream, "tree,car"))
    stream = make_stream("sky,tree", sink, scenes)
    Pipeline([stream]).run()
    names = [item.result.class_names for item in sink.items]
    assert sink.indices == list(range(12))
    assert set(names[6:]) == {("tree", "car")} and names[0] == ("sky", "tree")
    [event] = sink.events
    assert event.record() | {"at_s": 0} == {
        "event": "words-changed",
        "stream": "yard",
        "at_s": 0,
        "text": "looking for tree, car",
        "classes": ["tree", "car"],
        "background": [],
    }


def test_a_class_that_stays_keeps_its_color(make_stream) -> None:
    sink = Hearer()
    stream = make_stream("sky,tree,car", sink, Scenes(3))
    first = [tuple(rgb) for rgb in palette(4)[:, ::-1].tolist()]
    change_words(stream, "car,road,snow")
    Pipeline([stream]).run()
    names = ("car", "road", "snow")
    colors = [stream.style.color_of(names, label) for label in range(3)]
    assert colors == [first[2], first[0], first[1]]
    item = sink.items[0]
    inside = item.result.labels == 0
    # At opacity 0.55 over pure red, the car's color is the same in the overlay.
    red, green, blue = (0.55 * level for level in first[2])
    drawn = item.overlay_bgr[inside].mean(axis=0)
    assert drawn == pytest.approx([blue, green, red + 0.45 * 255], abs=3)


def test_frames_go_on_while_a_word_is_encoded(make_stream, model: Model) -> None:
    """The encoder is held for as long as the frames take: the change waits, they do not."""
    sink = Hearer()
    stream = make_stream("sky,tree", sink, Scenes(12))
    changing = threading.Thread(target=change_words, args=(stream, "car"))
    with model.text_embedder._encoding:
        changing.start()
        Pipeline([stream]).run()
        assert changing.is_alive() and sink.indices == list(range(12))
    changing.join(LONG_S)
    assert stream.segmenter.class_names == ("car",)


def test_colors_and_words_that_change_at_once_lose_neither(make_stream) -> None:
    stream = make_stream("sky,tree", Hearer(), Scenes(1))
    change_style(stream, lambda style: style.with_colors({"tree": (1, 2, 3)}).with_opacity(0.25))
    change_words(stream, "tree,car")
    assert stream.style.opacity == 0.25 and stream.style.colors["tree"] == (1, 2, 3)


def test_what_was_asked_for_before_is_kept(make_stream) -> None:
    stream = make_stream("sky,tree", Hearer(), Scenes(1), background="road,snow")
    queries = change_words(stream, ["vehicle=car|sand"])
    assert queries.background == ("road", "snow")
    assert [str(entry) for entry in queries.asked] == ["vehicle=car|sand"]
    assert change_words(stream, "car", background="none").background == ()


def test_a_refused_list_changes_nothing_and_names_the_near(make_stream) -> None:
    sink = Hearer()
    stream = make_stream("sky,tree", sink, Scenes(1))
    before, style = stream.segmenter.classes, stream.style
    with pytest.raises(UnknownClassError, match="'treee' is unknown") as refused:
        change_words(stream, "treee")
    assert (refused.value.name, refused.value.near[0]) == ("treee", "tree")
    with pytest.raises(UserError, match="empty"):
        change_words(stream, [])
    assert stream.segmenter.classes is before and stream.style is style and sink.events == []


def test_the_same_list_again_is_no_event(make_stream) -> None:
    sink = Hearer()
    stream = make_stream("sky,tree", sink, Scenes(1))
    change_words(stream, " sky, tree")
    assert sink.events == []
