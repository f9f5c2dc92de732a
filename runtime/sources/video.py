"""A video file: every frame, in order, with its own time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

from runtime.errors import UserError
from runtime.pictures import ValueRange
from runtime.sources.changes import ChangeWatch
from runtime.sources.decoding import (
    DecodedPicture,
    Decoder,
    open_container,
)
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.looping import loop_frames
from runtime.sources.losses import FrameNumbers, count_announced, describe_losses
from runtime.sources.timing import estimate_frames, timed
from runtime.sources.video_stream import EXPECTED, find_video_stream


class VideoFile(Source):
    """A video file. No frame is ever dropped; a cut-off file is read as far as it decodes.

    Sizes and frame intervals may change on the way; ``Frame.time_s`` comes from the file's own
    time stamps, counted from its first frame. With ``loop`` it begins again at its end, for ever.
    """

    kind = "video"

    def __init__(self, path: str, loop: bool = False) -> None:
        super().__init__(path)
        self.loop = loop
        self._container: Any = None
        self._decoder: Decoder | None = None
        self._pictures: Iterator[DecodedPicture] = iter(())
        self._first: DecodedPicture | None = None
        self._values = ValueRange(steady=True)
        self.values = self._values.met
        self._changes = ChangeWatch(path, self.tell, loud=False)

    def open(self) -> None:
        """Open the file and decode its first picture: only then is it known to be a video."""
        import av

        try:
            self._container = self.open_file()
        except (av.error.FFmpegError, OSError) as error:
            raise UserError(self._refusal(error)) from None
        stream = find_video_stream(self._container, self.name)
        self._decoder = Decoder(self._container, stream, False, self._values, self.on_life)
        self.fps = self._decoder.fps
        announced = count_announced(self._container, stream)
        if not self.loop:
            self.frame_count = announced or estimate_frames(self._container, stream, self.fps)
        self._pictures = self._decoder.pictures()
        self._first = next(self._pictures, None)
        if self._first is None:
            self.close()
            raise UserError(f"{self.name} holds no picture that can be decoded; {EXPECTED}")
        self.pixel_aspect = self._first.pixel_aspect
        for kind in self.values:
            self.warn_of_values(kind)

    def open_file(self) -> Any:
        """The open container; whoever keeps files elsewhere overrides it.

        Raises:
            UserError: it cannot be a video.
            av.error.FFmpegError: it cannot be opened.
            OSError: it cannot be read.
        """
        check_video_path(self.name)
        return open_container(self.name)

    def _refusal(self, error: Exception) -> str:
        if isinstance(error, PermissionError):
            return f"--video {self.name} cannot be read (permission denied)"
        reason = getattr(error, "strerror", None) or type(error).__name__
        return (
            f"{self.name} is not a video that can be read ({reason}), or it was cut off before "
            f"its index; {EXPECTED}"
        )

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Every picture of the file; see :meth:`Source.frames`."""
        if not self.loop:
            yield from self._read_once(stop)
            return
        if self._first is None:
            self.open()  # for its rate
        yield from loop_frames(self._read_once, stop, self.fps)

    def _read_once(self, stop: threading.Event) -> Iterator[Frame]:
        if self._first is None:
            self.open()
        assert self._first is not None and self._decoder is not None
        count = 0
        numbers = FrameNumbers(self._decoder)
        pictures = chain([self._first], self._pictures)
        for picture, time_s in timed(pictures, self._decoder.clock()):
            if stop.is_set():
                return
            index = numbers.number(picture, time_s)
            count += 1
            height, width = picture.image_bgr.shape[:2]
            self._changes.see_size((width, height))
            yield Frame(
                index,
                time_s,
                picture.image_bgr,
                frame_stem(index),
                picture.capture_ms,
                picture.captured_at,
                picture.pixel_aspect,
            )
        losses = describe_losses(self._decoder, count)
        if losses is not None and not (self.loop and losses in self._warned):
            self._warned.add(losses)  # once is enough where it is read again and again
            log.warning("%s %s", self.name, losses)
        if self.loop:
            self.close()

    def input_paths(self) -> list[str]:
        """The file itself."""
        return [self.name]

    def close(self) -> None:
        """Close the file."""
        self._pictures = iter(())
        self._first = None
        if self._container is not None:
            self._container.close()
            self._container = None


def check_video_path(path: str) -> None:
    """Refuse what cannot be a video file before FFmpeg is asked; raises ``UserError``."""
    if not path:
        raise UserError("--video is empty; give a file or an address such as rtsp://host/stream")
    if not os.path.exists(path):
        raise UserError(f"--video {path} does not exist; check the path")
    if os.path.isdir(path):
        raise UserError(f"--video {path} is a folder; for a folder of images give --images {path}")
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        raise UserError(f"{path} is empty (0 bytes), not a video; {EXPECTED}")
