"""Label images: one 8-bit single-channel PNG a frame, value = class index, 255 = none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runtime.errors import MgcaError, UserError
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import check_folder, make_folder, write_whole


class LabelFolder(Sink):
    """PNGs at source resolution, named after the image's stem or the video frame's number.

    Each file appears whole or not at all. Files that are in the folder already stay, unless a new
    one has their name.
    """

    def __init__(self, folder: str) -> None:
        self.given = folder
        self.folder = Path(folder)
        self.written = 0

    def check(self) -> None:
        """Raise ``UserError`` if the folder could not be written to."""
        if not self.given:
            raise UserError("--label-dir is empty; give the name of a folder")
        check_folder(self.folder, "--label-dir")

    def write(self, item: SegmentedFrame) -> None:
        """Write one label image."""
        if not self.written:
            make_folder(self.folder, "--label-dir")
        path = self.folder / f"{item.frame.stem}.png"
        try:
            write_whole(path, item.result.to_labels_png())
        except OSError as error:
            raise MgcaError(
                f"--label-dir: {path} could not be written ({error.strerror}); "
                "free some space or give another place"
            ) from None
        self.written += 1

    def close(self) -> None:
        """Nothing is held open."""

    def record(self) -> dict[str, Any] | None:
        """The folder and the number of files."""
        return {"path": str(self.folder), "files": self.written} if self.written else None
