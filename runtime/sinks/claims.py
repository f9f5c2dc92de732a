"""What a run reads and what it means to write, so that no output damages an input or another."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from runtime.errors import UserError

__all__ = ["Claims"]


class Claims:
    """The paths of one run. Sinks claim what they will write while they are checked.

    Attributes:
        inputs: real paths of the files that the run reads.
        image_paths: the images of the source as they were given; empty for other sources.
        stdout_flag: the flag of the output that writes to stdout, None if nothing does.
    """

    def __init__(
        self, inputs: Iterable[str], bundle: str | Path, image_paths: Iterable[str] = ()
    ) -> None:
        self.inputs = frozenset(os.path.realpath(path) for path in inputs)
        self.image_paths = tuple(image_paths)
        self.stdout_flag: str | None = None
        self._bundle = Path(os.path.realpath(bundle))
        self._flag_of: dict[str, str] = {}

    def claim_file(self, flag: str, given: str) -> None:
        """Claim a file; devices and pipes may be written to by several.

        Raises:
            UserError: it is an input of the run, lies in the bundle, or another output has it.
        """
        self._refuse_bundle(flag, given)
        if os.path.exists(given) and not os.path.isfile(given):
            return
        path = os.path.realpath(given)
        if path in self.inputs:
            raise UserError(f"{flag} {given} is an input of this run; give another name")
        if path in self._flag_of:
            raise UserError(f"{self._flag_of[path]} and {flag} name the same file {given}")
        self._flag_of[path] = flag

    def claim_folder(self, flag: str, given: str) -> None:
        """Claim a folder to put files into; raises ``UserError`` if it lies in the bundle."""
        self._refuse_bundle(flag, given)

    def claim_stdout(self, flag: str) -> None:
        """Claim stdout; raises ``UserError`` if another output has it."""
        if self.stdout_flag is not None:
            raise UserError(f"{self.stdout_flag} and {flag} both write to stdout; name a file")
        self.stdout_flag = flag

    def _refuse_bundle(self, flag: str, given: str) -> None:
        """A bundle with a foreign file is refused from then on: nothing is written into it."""
        path = Path(os.path.realpath(given))
        if self._bundle in (path, *path.parents):
            raise UserError(
                f"{flag} {given} lies in the bundle {self._bundle}, which must stay as it is; "
                "give another place"
            )
