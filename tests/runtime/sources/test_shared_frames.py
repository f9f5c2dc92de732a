"""What two processes share: memory for pictures, and signs of life."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from tests.support.clips import draw_scene

pytest.importorskip("fcntl", reason="--isolate needs Linux or macOS")

from runtime.sources.isolated.limits import Pulse, StopEvent
from runtime.sources.isolated.memory import FrameReader, FrameWriter, create_memory


def test_memory_is_taken_again_and_grows() -> None:
    descriptor, stop = create_memory(), threading.Event()
    writer, reader = FrameWriter(descriptor), FrameReader(descriptor)
    for number, size_wh in enumerate([(4, 3)] * 9 + [(64, 48)] * 9 + [(2, 2)] * 9):
        image = draw_scene(number, size_wh)
        offset = writer.put(image, stop)
        assert offset is not None
        assert np.array_equal(reader.read(offset, (size_wh[1], size_wh[0])), image)
        writer.give_back()
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(descriptor, 0)  # what a reader looks at stays
    for place in [(1 << 40, (2, 2)), (-1, (2, 2)), (0, (0, 2)), (0, (1 << 20, 1 << 20))]:
        with pytest.raises(ValueError, match="picture"):
            reader.read(*place)
    stop.set()
    assert [writer.put(image, stop) for _ in range(4)][-1] is None  # nobody gives back
    os.close(descriptor)


def test_waiting_is_life() -> None:
    pulse = Pulse()
    stop = StopEvent(pulse)
    assert not stop.wait(0.01) and not stop.is_set() and pulse.count >= 2
    stop.set()
    assert stop.wait(None) and stop.wait(5)
