"""What a sweep is: one thing of which there is ever more, and the work that it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Sweep", "Work"]

Work = Callable[[], object]


def no_files(folder: Path, size: int) -> None:
    """What a sweep does beforehand that needs no files."""


@dataclass(frozen=True)
class Sweep:
    """One thing of which there is ever more.

    Attributes:
        name: of the flag ``--only``.
        counted: what a size counts, as the table says it.
        work: what is done with so many of them.
        sizes: rising.
        load: what does not grow, after ``stage``: gets a folder for files; a model, say, warmed up.
        prepare: gets what was loaded and a size, and returns the work; its memory counts, its time
            does not.
        quick: sizes of a trial.
        stage: gets the folder and a size, and makes the files that it needs; nothing of it counts.
    """

    name: str
    counted: str
    work: str
    sizes: tuple[int, ...]
    load: Callable[[Path], Any]
    prepare: Callable[[Any, int], Work]
    quick: tuple[int, ...]
    stage: Callable[[Path, int], object] = no_files
