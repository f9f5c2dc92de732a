"""Label images: one 8-bit single-channel PNG a frame, value = class index, 255 = none."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.atomic_write import write_whole
from runtime.errors import MgcaError, UserError
from runtime.options import option
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.label_list import (
    LIST_NAME,
    find_labels,
    read_class_names,
    write_class_list,
)
from runtime.sinks.output_file import check_folder, make_folder
from runtime.sinks.place_lock import FolderLock
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims

FLAG = "--label-dir"
_NUMBERED = re.compile(r"\d{6,}$")

__all__ = ["LabelFolder"]


@register
class LabelFolder(Sink):
    """PNGs at source resolution, named after the image's stem or the video frame's number.

    Each file appears whole or not at all. Beside them stands :data:`LIST_NAME`, what the values
    mean. Label images of the same class list that are in the folder already stay, unless a new one
    has their name; those of another list are refused, or removed with ``overwrite`` when the first
    new one is ready. One run at a time writes to a folder.
    """

    key = "label_dir"
    place = 20

    @dataclass(frozen=True)
    class Options:
        """The folder, and what becomes of older label images."""

        label_dir: str | None = option(
            "an 8-bit PNG a frame, value = place in --classes, 255 = none: --label-dir labels/",
            metavar="DIR",
        )
        overwrite: bool = option(
            "remove label images of another class list: --label-dir labels/ --overwrite",
            default=False,
            holds=bool,
        )

    def __init__(self, folder: str, overwrite: bool = False) -> None:
        self.given = folder
        self.folder = Path(folder)
        self.overwrite = overwrite
        self.written = 0
        self._facts: RunFacts | None = None
        self._lock = FolderLock(FLAG, self.folder)
        self._stale: list[Path] = []
        self._seen: bytes | None = None
        self._class_names: tuple[str, ...] = ()
        self._changes: list[tuple[str, tuple[str, ...]]] = []

    @classmethod
    def from_options(cls, options: Options) -> LabelFolder | None:
        """One for ``--label-dir``."""
        if options.label_dir is None:
            return None
        return cls(options.label_dir, options.overwrite)

    def check(self, claims: Claims) -> None:
        """Claim the folder, and the label file of each image; raises ``UserError``."""
        if not self.given:
            raise UserError(f"{FLAG} is empty; give the name of a folder")
        check_folder(self.folder, FLAG)
        claims.claim_folder(FLAG, self.given)
        self._lock.check()
        claims.claim_images(FLAG, self.given, ".png")
        if os.path.realpath(self.folder / LIST_NAME) in claims.inputs:
            raise UserError(f"{FLAG} {self.given} would overwrite an input; give another folder")
        self._check_older(claims)

    def _check_older(self, claims: Claims) -> None:
        """Refuse label images of another class list, or note that they are to be removed."""
        self._seen = self._look()
        try:
            names = read_class_names(self.folder)
        except (ValueError, OSError):
            if self.overwrite:
                return
            raise UserError(
                f"{FLAG} {self.given} holds a {LIST_NAME} of something else, which would be "
                "replaced; give another folder, or --overwrite"
            ) from None
        if names is not None and names == claims.class_names:
            return
        older = find_labels(self.folder, claims.inputs)
        if names is None:  # unknown whose: a picture of the user's is not taken for one of ours
            stems = {Path(path).stem for path in claims.image_paths}
            older = [path for path in older if path.stem in stems or _NUMBERED.match(path.stem)]
        if older and not self.overwrite:
            whose = "an unknown class list" if names is None else f"other classes ({_few(names)})"
            raise UserError(
                f"{FLAG} {self.given} holds {len(older)} label images of {whose}, whose values "
                "mean something else; give another folder, or --overwrite to remove them"
            )
        self._stale = older

    def prepare(self, facts: RunFacts) -> None:
        """Take over what the values mean."""
        self._facts = facts

    def write(self, item: SegmentedFrame) -> None:
        """Write one label image."""
        path = self.folder / f"{item.frame.stem}.png"
        try:
            if not self.written:
                self._start()
            self._note_classes(path.name, item.result.class_names)
            write_whole(path, item.result.to_labels_png())
        except OSError as error:
            raise MgcaError(
                f"{FLAG}: {path} could not be written ({error.strerror}); "
                "free some space or give another place"
            ) from None
        self.written += 1

    def _look(self) -> bytes | None:
        """The folder's list as it stands, None without one."""
        try:
            return (self.folder / LIST_NAME).read_bytes()
        except OSError:
            return None

    def _start(self) -> None:
        """Make the folder, remove what is stale, say what the values mean."""
        make_folder(self.folder, FLAG)
        self._lock.take()
        if self._look() != self._seen:
            raise MgcaError(
                f"{FLAG}: another run has written to {self.given} since this one began; "
                "give each run its own folder"
            )
        for path in self._stale:
            path.unlink(missing_ok=True)
        if self._facts is not None:
            self._class_names = self._facts.class_names
            write_class_list(self.folder, self._facts)

    def _note_classes(self, name: str, class_names: tuple[str, ...]) -> None:
        """Say from which image on the values mean something else, before it is there."""
        if self._facts is not None and class_names != self._class_names:
            self._class_names = class_names
            self._changes.append((name, class_names))
            write_class_list(self.folder, self._facts, self._changes)

    def close(self) -> None:
        """Let other runs have the folder."""
        self._lock.release()

    def record(self) -> dict[str, Any] | None:
        """The folder and the number of files."""
        return {"path": str(self.folder), "files": self.written} if self.written else None

    def summary(self) -> tuple[str, str] | None:
        """The folder and the number of files."""
        if not self.written:
            return None
        return "labels", f"{os.path.abspath(self.folder)} ({self.written} files)"


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
