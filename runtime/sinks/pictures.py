"""Overlay pictures: one file a frame in a folder, or a single picture."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.atomic_write import write_whole
from runtime.errors import MgcaError, UserError
from runtime.flag_values import whole_number
from runtime.options import option
from runtime.redaction import RedactingFilter
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile, check_folder, make_folder
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_FOLDER_ENDING = ".png"

__all__ = ["PICTURE_ENDINGS", "OverlayPictures", "means_pictures"]

log = logging.getLogger("mgca.sinks")
log.addFilter(RedactingFilter())


def means_pictures(path: str) -> bool:
    """Whether an output's name asks for pictures: a folder (``name/``) or a picture's name."""
    ending = os.path.splitext(path)[1].lower()
    return path.endswith((os.sep, "/")) or (ending in PICTURE_ENDINGS and not os.path.isdir(path))


@register
class OverlayPictures(Sink):
    """The overlay of each frame, or each Nth, as a picture of the frame's own size.

    In a folder, PNGs named after the image's stem or the video frame's number, as label images
    are. A single file takes the first frame; that there were more is warned of.

    Attributes:
        every: of the frames that are segmented, each how manieth is written.
    """

    key = "pictures"
    place = 15

    @dataclass(frozen=True)
    class Options:
        """The folder or file, and how many."""

        pictures: str | None = option(
            "overlay pictures, also beside a video: --pictures overlays/ or one.png",
            metavar="DIR_OR_FILE",
        )
        picture_every: int = option(
            "of --pictures, only each Nth frame: --pictures overlays/ --picture-every 25",
            default=1,
            metavar="N",
            holds=int,
            read=whole_number(1),
        )

    def __init__(self, path: str, every: int = 1, flag: str = "--pictures") -> None:
        self.flag = flag
        self.given = path
        self.every = every
        single = means_pictures(path) and not path.endswith((os.sep, "/"))
        self.file = OutputFile(path, flag) if single else None
        self.folder = Path(path)
        self.written = 0
        self._seen = 0
        self._warned = False

    @classmethod
    def from_options(cls, options: Options) -> OverlayPictures | None:
        """One for ``--pictures``; ``UserError`` for ``--picture-every`` without it."""
        if options.pictures is None:
            if options.picture_every != 1:
                raise UserError("--picture-every needs --pictures DIR to write the pictures to")
            return None
        return cls(options.pictures, options.picture_every)

    def check(self, claims: Claims) -> None:
        """Claim the file, or the folder and each image's picture; raises ``UserError``."""
        if self.file is not None:
            self.file.check(claims)
            return
        if not self.given:
            raise UserError(f"{self.flag} is empty; give the name of a folder or of a picture")
        check_folder(self.folder, self.flag)
        claims.claim_folder(self.flag, self.given)
        claims.claim_images(self.flag, self.given, _FOLDER_ENDING)

    def write(self, item: SegmentedFrame) -> None:
        """Write one picture, if it is its turn."""
        turn = self._seen % self.every == 0
        self._seen += 1
        if not turn:
            return
        if self.file is not None and self.written:
            self._warn_of_more()
            return
        path = self.folder / f"{item.frame.stem}{_FOLDER_ENDING}"
        folder = self.folder
        if self.file is not None:
            path, folder = self.file.path, self.file.path.parent
        try:
            if not self.written:
                make_folder(folder, self.flag)
            write_whole(path, self._encode(item, path.suffix))
        except OSError as error:
            raise MgcaError(
                f"{self.flag}: {path} could not be written ({error.strerror}); "
                "free some space or give another place"
            ) from None
        self.written += 1

    def _encode(self, item: SegmentedFrame, ending: str) -> bytes:
        import cv2

        try:
            done, encoded = cv2.imencode(ending.lower(), item.overlay_bgr)
        except cv2.error:
            done = False
        if not done:
            width, height = item.frame.size_wh
            raise MgcaError(
                f"{self.flag}: a picture of {width}x{height} cannot be a {ending} file; "
                "give a folder or a name that ends in .png"
            )
        return encoded.tobytes()

    def _warn_of_more(self) -> None:
        if not self._warned:
            log.warning(
                "%s %s holds the first frame only; for every frame give a folder, as in %s DIR/",
                self.flag, self.given, self.flag,
            )  # fmt: skip
            self._warned = True

    def close(self) -> None:
        """Nothing is held open."""

    def record(self) -> dict[str, Any] | None:
        """The path and the number of pictures."""
        return {"path": self.given, "files": self.written} if self.written else None

    def summary(self) -> tuple[str, str] | None:
        """The path and the number of pictures."""
        if not self.written:
            return None
        count = "" if self.file is not None else f" ({self.written} files)"
        return "pictures", f"{os.path.abspath(self.given)}{count}"
