"""Classes that eight threads change while frames flow: each frame has one list that stood."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.live_words import change_words
from runtime.segment.segmenter import Segmenter
from runtime.segment.smoothing import TemporalSmoother
from runtime.segment.still import StillGate
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream
from tests.support.color_bundle import COLORS_BGR
from tests.support.histories import Operation, find_contradiction
from tests.support.streams import Keeper, Scenes, wait_for_end

THREADS = 8
CHANGES = 20
FRAMES = 120


def op(kind: str, value: str, begin: float, end: float) -> Operation:
    return Operation(kind, value, begin, end)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([op("write", "a", 0, 1), op("read", "a", 2, 3), op("write", "b", 4, 5)], None),
        # Of two writes at one time either may be the last, and a read beside one may see it or not.
        ([op("write", "a", 0, 9), op("write", "b", 1, 8), op("read", "a", 10, 11)], None),
        ([op("write", "a", 0, 1), op("write", "b", 2, 9), op("read", "b", 3, 4),
          op("read", "b", 5, 6)], None),
        ([op("read", "a", 0, 1)], "never written"),
        ([op("read", "a", 0, 1), op("write", "a", 2, 3)], "before it was written"),
        # Read although another was written, as a whole, in between.
        ([op("write", "a", 0, 1), op("write", "b", 2, 3), op("read", "a", 4, 5)], "while a stood"),
        # New, then old again: no moment of the write explains both.
        ([op("write", "a", 0, 1), op("write", "b", 2, 9), op("read", "b", 3, 4),
          op("read", "a", 5, 6)], "while a stood"),
        ([op("write", "a", 0, 1), op("write", "b", 0, 2), op("read", "b", 3, 4),
          op("read", "a", 5, 6), op("read", "b", 7, 8)], "stood at one time"),
    ],
)  # fmt: skip
def test_the_checker_tells_what_cannot_be(history: list[Operation], says: str | None) -> None:
    found = find_contradiction(history)
    assert found is None if says is None else found is not None and says in found


class Watched(Segmenter):
    """Notes when each frame's inference was, and with which list."""

    reads: list[tuple[Any, float, float]]

    def infer(self, prepared: Any, units: Any = None) -> Any:
        begin = time.perf_counter()
        raw = super().infer(prepared, units)
        self.reads.append((raw.queries.words, begin, time.perf_counter()))
        return raw


@pytest.fixture
def segmenter(color_bundle: Path) -> Iterator[Watched]:
    with Watched.load(color_bundle, "onnxruntime-cpu", threads=1) as segmenter:
        assert isinstance(segmenter, Watched)
        segmenter.reads = []
        yield segmenter


def different_lists(count: int) -> list[str]:
    """So many class lists, in an order that a seed gives, no two alike."""
    names = tuple(COLORS_BGR)
    every = [",".join(some) for most in (3, 4) for some in itertools.permutations(names, most)]
    return random.Random(28).sample(every, count)


def labels_alone(segmenter: Segmenter, names: tuple[str, ...], image_bgr: np.ndarray) -> np.ndarray:
    """What one list gives by itself."""
    segmenter.set_classes(",".join(names), background="none")
    return segmenter(image_bgr).labels


@pytest.mark.parametrize("steadied", [False, True])
def test_every_frame_is_labelled_by_one_list_that_stood(segmenter: Watched, steadied: bool) -> None:
    first, *lists = different_lists(1 + THREADS * CHANGES)
    writes = []
    begin = time.perf_counter()
    segmenter.set_classes(first, background="none")
    writes.append(Operation("write", tuple(first.split(",")), begin, time.perf_counter()))
    if steadied:
        segmenter.smoother, segmenter.motion_gate = TemporalSmoother(0.2), StillGate()
    keeper, began = Keeper(), threading.Barrier(THREADS + 1)
    stream = Stream(
        Scenes(FRAMES, after=lambda index: index or began.wait(30)), segmenter, [keeper]
    )

    def change(mine: list[str]) -> None:
        began.wait(30)
        for number, words in enumerate(mine):
            begin = time.perf_counter()
            if number % 2:
                change_words(stream, words)
            else:
                segmenter.set_classes(words, background="none")
            writes.append(Operation("write", tuple(words.split(",")), begin, time.perf_counter()))

    threads = [
        threading.Thread(target=change, args=(lists[place::THREADS],), daemon=True)
        for place in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    Pipeline([stream]).run()
    wait_for_end(*threads)
    reads = [Operation("read", words, begin, end) for words, begin, end in segmenter.reads]
    assert len(reads) == FRAMES and len(writes) == 1 + THREADS * CHANGES
    assert find_contradiction([*writes, *reads]) is None
    assert len({one.value for one in reads}) > 3  # they did change while frames flowed
    names = [item.result.class_names for item in keeper.items]
    assert names == [one.value for one in reads]
    if steadied:
        return  # the labels depend on the frames before
    segmenter.reads = []
    for item in keeper.items[::4]:
        alone = labels_alone(segmenter, item.result.class_names, item.frame.image_bgr)
        np.testing.assert_array_equal(item.result.labels, alone)
