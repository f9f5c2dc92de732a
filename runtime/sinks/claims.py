"""What a run reads and what it means to write, so that no output damages an input or another."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import UserError
from runtime.standard_output import refuse_dash

if TYPE_CHECKING:
    from runtime.sources.frame import Source

__all__ = ["Claims"]


class Claims:
    """The paths of one run. Sinks claim what they will write while they are checked.

    Attributes:
        inputs: real paths of the files that the run reads.
        image_paths: the images of the source as they were given; empty for other sources.
        class_names: the classes that are asked for, in label order.
    """

    def __init__(
        self,
        inputs: Iterable[str],
        bundle: str | Path,
        image_paths: Iterable[str] = (),
        class_names: Iterable[str] = (),
    ) -> None:
        self.inputs = frozenset(os.path.realpath(path) for path in inputs)
        self.image_paths = tuple(image_paths)
        self.class_names = tuple(class_names)
        self._stdout_flags: list[str] = []
        self._bundle = Path(os.path.realpath(bundle))
        self._flag_of: dict[str, str] = {}

    def of_stream(self, source: Source, class_list: Sequence[str]) -> Claims:
        """The same claims as one of several streams sees them: its images, its classes."""
        from runtime.text.classes import parse_classes

        own = copy.copy(self)  # what is claimed is shared
        own.image_paths = tuple(source.input_paths() if source.kind == "images" else ())
        own.class_names = tuple(entry.name for entry in parse_classes(list(class_list)))
        return own

    @property
    def stdout_flag(self) -> str | None:
        """The flag of the output that writes to stdout, None if nothing does."""
        return self._stdout_flags[0] if self._stdout_flags else None

    def claim_file(self, flag: str, given: str) -> None:
        """Claim a file; devices and pipes may be written to by several.

        Raises:
            UserError: it is an input of the run, lies in the bundle, or another output has it.
        """
        refuse_dash(flag, given)
        self._refuse_bundle(flag, given)
        if os.path.exists(given) and not os.path.isfile(given):
            return
        path = os.path.realpath(given)
        if path in self.inputs:
            raise UserError(f"{flag} {given} is an input of this run; give another name")
        if path in self._flag_of:
            raise UserError(
                f"{self._flag_of[path]} and {flag} name the same file {given}"
                f"{_hint_of_names(self._flag_of[path], flag)}"
            )
        self._flag_of[path] = flag

    def claim_folder(self, flag: str, given: str, *, shared: bool = False) -> None:
        """Claim a folder to put files into.

        ``shared`` says that the same output of other streams may use it as well, since the names
        of its files hold the stream's.

        Raises:
            UserError: it lies in the bundle, or another output has it.
        """
        refuse_dash(flag, given)
        self._refuse_bundle(flag, given)
        path = os.path.realpath(given)
        if path in self._flag_of and not (shared and self._flag_of[path] == flag):
            raise UserError(
                f"{self._flag_of[path]} and {flag} name the same folder {given}; give each its own"
                f"{_hint_of_names(self._flag_of[path], flag)}"
            )
        self._flag_of[path] = flag

    def claim_images(self, flag: str, folder: str, ending: str) -> None:
        """Claim, in a folder, a file for each image of the source, named after the image's stem.

        Raises:
            UserError: two images would go to one file, or a file is an input.
        """
        image_of_stem: dict[str, str] = {}
        for path in self.image_paths:
            stem = Path(path).stem
            other = image_of_stem.setdefault(stem, path)
            if other is not path:
                raise UserError(
                    f"{flag}: {other} and {path} would both be written to {stem}{ending}; run "
                    "them apart or rename one"
                )
            if os.path.realpath(os.path.join(folder, f"{stem}{ending}")) in self.inputs:
                raise UserError(
                    f"{flag} {folder} would overwrite the input {path}; give another folder"
                )

    def claim_stdout(self, flag: str) -> None:
        """Claim stdout; raises ``UserError`` if another output has it."""
        if self.stdout_flag is not None:
            raise UserError(
                f"{self.stdout_flag} and {flag} both write to stdout; name a file"
                f"{_hint_of_names(self.stdout_flag, flag)}"
            )
        self._stdout_flags.append(flag)

    def _refuse_bundle(self, flag: str, given: str) -> None:
        """A bundle with a foreign file is refused from then on: nothing is written into it."""
        path = Path(os.path.realpath(given))
        if self._bundle in (path, *path.parents):
            raise UserError(
                f"{flag} {given} lies in the bundle {self._bundle}, which must stay as it is; "
                "give another place"
            )


def _hint_of_names(flag: str, other: str) -> str:
    """What to do where the same output of two streams would go to one place."""
    return ", with {name} in it for the stream's name" if flag == other else ""
