"""Frames to be timed: a video's or a folder's, over and over."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from runtime.demo import demo_clip
from runtime.errors import UserError
from runtime.sources import Frame, Source, open_video
from runtime.sources.images import ImageSource
from runtime.text.classes import parse_classes


def open_source(video: str) -> Source:
    """A video file or a folder of images, opened; raises ``UserError``."""
    source = ImageSource(video) if Path(video).is_dir() else open_video(video)
    source.open()
    return source


def check_inputs(video: str | None, classes: str | None) -> str:
    """The video, by default the demo clip; seen to open, and the classes to be a list of classes.

    Raises:
        UserError: before a model is loaded.
    """
    if classes is not None:
        parse_classes(classes)
    video = video or str(demo_clip())
    open_source(video).close()
    return video


def repeat_frames(video: str, stop: threading.Event | None = None) -> Generator[Frame, None, None]:
    """The frames of ``video``, a file or a folder of images, over and over until ``stop``.

    Raises:
        UserError: no video, or one without frames.
    """
    while stop is None or not stop.is_set():
        ended = stop or threading.Event()
        source = open_source(video)
        try:
            count = 0
            for frame in source.frames(ended):
                count += 1
                yield frame
        finally:
            if stop is None:
                ended.set()
            source.close()
        if not count and not ended.is_set():
            raise UserError(f"{video} holds no frame; expected a video")


def first_images(video: str, count: int) -> list[np.ndarray]:
    """The first ``count`` pictures, BGR uint8 (H, W, 3); fewer where there are no more."""
    source = open_source(video)
    with closing(source):
        frames: Iterator[Frame] = source.frames(threading.Event())
        return [frame.image_bgr for frame in islice(frames, count)]


class RepeatedSource(Source):
    """A video that begins again at its end, read and decoded as a file is."""

    kind = "video"

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Its frames until ``stop``; see :meth:`runtime.sources.Source.frames`."""
        return repeat_frames(self.name, stop)
