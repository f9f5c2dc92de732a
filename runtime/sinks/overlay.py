"""The overlay video: fragmented H.264 MP4 that plays in a browser, even after a kill."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.errors import UserError
from runtime.options import option
from runtime.redaction import RedactingFilter
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.h264 import H264Video, even_wh
from runtime.sinks.output_file import OutputFile
from runtime.sinks.pictures import OverlayPictures, means_pictures
from runtime.sinks.registry import register

if TYPE_CHECKING:
    import numpy as np

    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source

ENDINGS = (".mp4", ".m4v")

__all__ = ["OverlayVideo"]

log = logging.getLogger("mgca.sinks")
log.addFilter(RedactingFilter())


@register
class OverlayVideo(Sink):
    """H.264 (avc1, yuv420p) in fragments of half a second, each complete on disk when it ends.

    Frames keep their own times, a key frame a second. The first frame fixes the size (made even by
    repeating the last row or column) and the pixel aspect; a later frame of another size is fitted
    into it with black borders.

    Attributes:
        fps: nominal frames per second, None if the source does not say.
    """

    key = "out"
    place = 10

    @dataclass(frozen=True)
    class Options:
        """The file."""

        out: str | None = option(
            "overlay video, without sound, or pictures: --out overlay.mp4, pictures/ or one.png",
            metavar="FILE_OR_DIR/",
        )

    def __init__(self, path: str, fps: float | None = None) -> None:
        self.file = OutputFile(path, "--out")
        self.fps = fps
        self.written = 0
        self._source: Source | None = None
        self._video: H264Video | None = None
        self._size_wh = (0, 0)
        self._warned = False

    @classmethod
    def from_options(cls, options: Options) -> Sink | None:
        """One for ``--out``; one for pictures if its name is a folder's or a picture's."""
        if options.out is None:
            return None
        if means_pictures(options.out):
            pictures = OverlayPictures(options.out, flag="--out")
            pictures.key = cls.key  # type: ignore[misc]  # the report's name for this flag
            return pictures
        return cls(options.out)

    def check(self, claims: Claims) -> None:
        """Claim the file; raises ``UserError``, also for a name that is not an MP4's."""
        if os.path.isdir(self.file.given):
            raise UserError(
                f"--out {self.file.given} is a folder; for pictures in it give "
                f"{self.file.given}/, else the name of a file"
            )
        self.file.check(claims)
        if not self.file.is_special() and self.file.path.suffix.lower() not in ENDINGS:
            raise UserError(f"--out {self.file.given} should end in .mp4; it is always an MP4 file")

    def begin(self, source: Source) -> None:
        """Take over the source's frame rate; a stream knows it once it gave its first frame."""
        self._source = source

    def write(self, item: SegmentedFrame) -> None:
        """Encode one frame."""
        image_bgr = item.overlay_bgr
        if self._video is None:
            if self._source is not None:
                self.fps = self._source.fps
            self._size_wh = even_wh(image_bgr)
            self.file.open()
            self._video = H264Video(
                self.file.write_all, "--out", self._size_wh, self.fps, item.frame.pixel_aspect
            )
        self._video.write(self._fit(image_bgr), item.frame.time_s)
        self.written += 1
        if self._video.has_fragment:  # it stands on disk as a whole
            self.file.publish()

    def _fit(self, image_bgr: np.ndarray) -> np.ndarray:
        import cv2
        import numpy as np

        if even_wh(image_bgr) == self._size_wh:
            return image_bgr
        height, width = image_bgr.shape[:2]
        to_width, to_height = self._size_wh
        if not self._warned:
            log.warning(
                "the picture size changed to %dx%d; --out stays %dx%d and fits it in",
                width, height, to_width, to_height,
            )  # fmt: skip
            self._warned = True
        scale = min(to_width / width, to_height / height)
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)
        canvas = np.zeros((to_height, to_width, 3), np.uint8)
        left, top = (to_width - size_wh[0]) // 2, (to_height - size_wh[1]) // 2
        canvas[top : top + size_wh[1], left : left + size_wh[0]] = small
        return canvas

    def close(self) -> None:
        """Write out what the encoder still holds and end the file."""
        video, self._video = self._video, None
        try:
            if video is not None:
                video.close()
                if video.has_fragment:
                    self.file.publish()
        finally:
            self.file.close()

    def record(self) -> dict[str, Any] | None:
        """The path, the number of frames and the size."""
        if not self.written:
            return None
        return {
            "path": self.file.given,
            "frames": self.written,
            "size_wh": list(self._size_wh),
        }

    def summary(self) -> tuple[str, str] | None:
        """The file's path, the number of frames and the size."""
        if not self.written:
            return None
        width, height = self._size_wh
        path = os.path.abspath(self.file.given)
        return "video", f"{path} ({self.written} frames, {width}x{height})"
