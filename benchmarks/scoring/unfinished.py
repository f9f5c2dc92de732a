"""Counts of an evaluation that is not finished yet: kept beside its record until it is."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runtime.atomic_write import write_whole
from runtime.errors import UserError

_KEY = "evaluation"


@dataclass(frozen=True)
class Unfinished:
    """Where counts are kept.

    Attributes:
        path: of the file.
        evaluation: what is scored and how, ready for JSON: counts of another are not taken up.
        resume: whether counts that lie there are taken up, or written over.
    """

    path: Path
    evaluation: dict[str, Any]
    resume: bool

    def load(self) -> dict[str, np.ndarray] | None:
        """The counts that lie there; None where none do or none are wanted.

        Raises:
            UserError: they cannot be read, or are another evaluation's.
        """
        if not self.resume or not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{self.path} cannot be read ({error}); remove it") from None
        found = str(arrays.pop(_KEY, ""))
        if found != self._key():
            raise UserError(
                f"{self.path} is of another bundle, data set or setting than is asked for now; "
                "remove it, or give another --json"
            )
        return arrays

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Keep counts in the place of earlier ones.

        Raises:
            UserError: they cannot be written.
        """
        content = io.BytesIO()
        np.savez_compressed(content, **{_KEY: np.array(self._key())}, **arrays)  # type: ignore[arg-type]
        try:
            write_whole(self.path, content.getvalue())
        except OSError as error:
            raise UserError(f"{self.path} cannot be written ({error.strerror})") from None

    def remove(self) -> None:
        """Let go of the counts, once the record is written."""
        self.path.unlink(missing_ok=True)

    def _key(self) -> str:
        return json.dumps(self.evaluation, sort_keys=True)
