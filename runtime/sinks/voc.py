"""Pascal VOC: palette PNGs, pictures and lists in the folders that CVAT and FiftyOne read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.atomic_write import append_whole, write_whole
from runtime.errors import MgcaError, UserError
from runtime.options import option
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.output_file import check_folder, make_folder
from runtime.sinks.place_lock import FolderLock
from runtime.sinks.registry import register

if TYPE_CHECKING:
    import numpy as np

    from runtime.sinks.claims import Claims

FLAG = "--voc"
BACKGROUND = "background"
#: 0 is the background, 255 what VOC ignores.
MOST_CLASSES = 254
PICTURES, LABELS, LISTS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"
LIST_NAME = "default.txt"
MAP_NAME = "labelmap.txt"
JPEG_QUALITY = 95

__all__ = ["VocFolder"]


@register
class VocFolder(Sink):
    """A data set of the frames: what is none of the classes is VOC's background, index 0.

    A class has one index in a run and the color that it has everywhere; ``labelmap.txt`` says
    both. Frames are added to those of the same classes that are there already.
    """

    key = "voc"
    place = 25

    @dataclass(frozen=True)
    class Options:
        """The folder."""

        voc: str | None = option(
            "a Pascal VOC data set of the frames and their labels: --voc dataset/", metavar="DIR"
        )

    def __init__(self, folder: str) -> None:
        self.given = folder
        self.folder = Path(folder)
        self.written = 0
        self._lock = FolderLock(FLAG, self.folder)
        self._names: list[str] = []
        self._listed: set[str] = set()

    @classmethod
    def from_options(cls, options: Options) -> VocFolder | None:
        """One for ``--voc``."""
        return None if options.voc is None else cls(options.voc)

    def check(self, claims: Claims) -> None:
        """Claim the folder and each image's files; raises ``UserError``."""
        if not self.given:
            raise UserError(f"{FLAG} is empty; give the name of a folder")
        check_folder(self.folder, FLAG)
        claims.claim_folder(FLAG, self.given)
        self._lock.check()
        claims.claim_images(FLAG, str(self.folder / PICTURES), ".jpg")
        claims.claim_images(FLAG, str(self.folder / LABELS), ".png")
        for name in claims.class_names:
            refuse_name(name, UserError)
        self._check_older(list(claims.class_names), UserError)

    def _check_older(self, names: list[str], error: type[MgcaError]) -> None:
        """Refuse a data set whose indices mean something else; raises ``error``."""
        labels, meaning = self.folder / LABELS, self.folder / MAP_NAME
        try:
            text = meaning.read_text(encoding="utf-8") if meaning.exists() else None
        except (OSError, UnicodeDecodeError):
            text = ""
        older = text is not None or (labels.is_dir() and any(labels.iterdir()))
        if older and text != _describe_map(names):
            raise error(
                f"{FLAG} {self.given} holds a data set of other classes, whose indices mean "
                "something else; give another folder"
            )

    def prepare(self, facts: RunFacts) -> None:
        """Take over the classes, in their order."""
        self._names = list(facts.class_names)

    def write(self, item: SegmentedFrame) -> None:
        """Write the picture, its labels and its line in the list."""
        stem = item.frame.stem
        try:
            if not self.written:
                self._start()
            indices = self._to_indices(item)
            write_whole(self.folder / PICTURES / f"{stem}.jpg", _encode_jpeg(item.frame.image_bgr))
            write_whole(self.folder / LABELS / f"{stem}.png", _encode_png(indices))
            self._list(stem)
        except OSError as error:
            raise MgcaError(
                f"{FLAG}: {self.given} could not be written ({error.strerror or error}); "
                "free some space or give another place"
            ) from None
        self.written += 1

    def _start(self) -> None:
        for name in (PICTURES, LABELS, LISTS):
            make_folder(self.folder / name, FLAG)
        self._lock.take()
        self._check_older(self._names, MgcaError)  # another run may have written one since
        self._write_map()
        listing = self.folder / LISTS / LIST_NAME
        if listing.exists():
            text = listing.read_text(encoding="utf-8", errors="replace")
            self._listed = set(text.split("\n"))
            if text and not text.endswith("\n"):  # written by hand, or by a run that was killed
                append_whole(listing, b"\n")

    def _list(self, stem: str) -> None:
        if stem not in self._listed:
            append_whole(self.folder / LISTS / LIST_NAME, f"{stem}\n".encode())
            self._listed.add(stem)

    def _to_indices(self, item: SegmentedFrame) -> np.ndarray:
        """The labels as VOC's indices; a class that is new in this run gets the next one."""
        import numpy as np

        new = [name for name in item.result.class_names if name not in self._names]
        if new:
            for name in new:
                refuse_name(name, MgcaError)
            self._names += new
            if len(self._names) > MOST_CLASSES:
                raise MgcaError(f"{FLAG}: more than {MOST_CLASSES} classes do not fit a VOC PNG")
            self._write_map()
        index_of = np.zeros(256, np.uint8)
        for label, name in enumerate(item.result.class_names):
            index_of[label] = self._names.index(name) + 1
        return index_of[item.result.labels]

    def _write_map(self) -> None:
        write_whole(self.folder / MAP_NAME, _describe_map(self._names).encode("utf-8"))

    def close(self) -> None:
        """Let other runs have the folder."""
        self._lock.release()

    def record(self) -> dict[str, Any] | None:
        """The folder and the number of frames."""
        return {"path": self.given, "frames": self.written} if self.written else None

    def summary(self) -> tuple[str, str] | None:
        """The folder and the number of frames."""
        if not self.written:
            return None
        return "voc", f"{os.path.abspath(self.given)} ({self.written} frames)"


def refuse_name(name: str, error: type[MgcaError]) -> None:
    """Raise ``error`` for a class name that cannot stand in ``labelmap.txt``."""
    if name.casefold() == BACKGROUND:
        raise error(f"{FLAG}: there, {name!r} is what is none of the classes; give another name")
    if ":" in name or name.startswith("#"):
        raise error(f"{FLAG}: {name!r} cannot stand in {MAP_NAME} (':', '#'); give another name")


def _describe_map(names: list[str]) -> str:
    """``labelmap.txt`` as CVAT writes and reads it: names and colors in order of the indices."""
    from runtime.draw.palette import palette

    colors = [(0, 0, 0), *(tuple(color[::-1]) for color in palette(255).tolist())]
    lines = [
        f"{name}:{red},{green},{blue}::"
        for name, (red, green, blue) in zip([BACKGROUND, *names], colors, strict=False)
    ]
    return "\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n"


def _encode_jpeg(image_bgr: np.ndarray) -> bytes:
    import cv2

    done, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise MgcaError(f"{FLAG}: a picture of shape {image_bgr.shape} cannot be a JPEG")
    return bytes(data.tobytes())


def _encode_png(indices: np.ndarray) -> bytes:
    """A PNG of color type 3: each index with its color, that of the labels plus one."""
    import av
    import numpy as np

    from runtime.draw.palette import palette

    argb = np.full((256, 4), 255, np.uint8)
    argb[0, 1:] = 0
    argb[1:, 1:] = palette(255)[:, ::-1]
    height, width = indices.shape
    # PyAV's own types do not know that palettes are taken.
    pair: Any = (np.ascontiguousarray(indices), argb)
    frame = av.VideoFrame.from_ndarray(pair, format="pal8")
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "pal8"
    encoder.time_base = Fraction(1)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
