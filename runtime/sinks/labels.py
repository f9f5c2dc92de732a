"""Label images: one 8-bit single-channel PNG a frame, value = class index, 255 = none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.atomic_write import write_whole
from runtime.errors import MgcaError, UserError
from runtime.options import option
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import check_folder, make_folder
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims

FLAG = "--label-dir"

__all__ = ["LabelFolder"]


@register
class LabelFolder(Sink):
    """PNGs at source resolution, named after the image's stem or the video frame's number.

    Each file appears whole or not at all. Files that are in the folder already stay, unless a new
    one has their name.
    """

    key = "label_dir"
    place = 20

    @dataclass(frozen=True)
    class Options:
        """The folder."""

        label_dir: str | None = option(
            "an 8-bit PNG a frame, value = place in --classes, 255 = none: --label-dir labels/",
            metavar="DIR",
        )

    def __init__(self, folder: str) -> None:
        self.given = folder
        self.folder = Path(folder)
        self.written = 0

    @classmethod
    def from_options(cls, options: Options) -> LabelFolder | None:
        """One for ``--label-dir``."""
        return None if options.label_dir is None else cls(options.label_dir)

    def check(self, claims: Claims) -> None:
        """Claim the folder, and the label file of each image; raises ``UserError``."""
        if not self.given:
            raise UserError(f"{FLAG} is empty; give the name of a folder")
        check_folder(self.folder, FLAG)
        claims.claim_folder(FLAG, self.given)
        image_of_stem: dict[str, str] = {}
        for path in claims.image_paths:
            stem = Path(path).stem
            other = image_of_stem.setdefault(stem, path)
            if other is not path:
                raise UserError(
                    f"{FLAG}: {other} and {path} would both be written to {stem}.png; run them "
                    "apart or rename one"
                )
            if os.path.realpath(self.folder / f"{stem}.png") in claims.inputs:
                raise UserError(
                    f"{FLAG} {self.given} would overwrite the input {path}; give another folder"
                )

    def write(self, item: SegmentedFrame) -> None:
        """Write one label image."""
        if not self.written:
            make_folder(self.folder, FLAG)
        path = self.folder / f"{item.frame.stem}.png"
        try:
            write_whole(path, item.result.to_labels_png())
        except OSError as error:
            raise MgcaError(
                f"{FLAG}: {path} could not be written ({error.strerror}); "
                "free some space or give another place"
            ) from None
        self.written += 1

    def close(self) -> None:
        """Nothing is held open."""

    def record(self) -> dict[str, Any] | None:
        """The folder and the number of files."""
        return {"path": str(self.folder), "files": self.written} if self.written else None

    def summary(self) -> tuple[str, str] | None:
        """The folder and the number of files."""
        if not self.written:
            return None
        return "labels", f"{os.path.abspath(self.folder)} ({self.written} files)"
