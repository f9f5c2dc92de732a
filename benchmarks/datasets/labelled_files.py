"""Sets of pictures with a label image each, in the layouts that official archives unpack to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.datasets.evaluation_set import EvaluationFrame, EvaluationSet, Selection
from benchmarks.datasets.label_image import read_labels, read_photograph
from runtime.confusion_matrix import IGNORE
from runtime.errors import UserError


@dataclass(frozen=True)
class LabelledFile:
    """A picture and its label image, which need not be there yet.

    Attributes:
        image: path of the picture.
        label: path of its labels.
        table: uint8 (n,): for each value of the file its class, 255 for none; 255 is none as
            well, and no other value may be there.
    """

    image: Path
    label: Path
    table: np.ndarray


def labelled_set(
    name: str, words: tuple[str, ...], files: Sequence[LabelledFile], selection: Selection
) -> EvaluationSet:
    """The set of these files, or a range of them.

    Args:
        name: of the set.
        words: its classes in the order of the tables' values.
        files: in the set's own order.
        selection: ``frames`` chooses a range, ``root`` is named in errors.

    Raises:
        UserError: no file, a range past their end, a picture without its file.
    """
    first, last = selection.frames or (1, len(files))
    if not files or last > len(files):
        raise UserError(
            f"{name}: {selection.root} lists {len(files)} pictures; asked for {max(last, 1)}"
        )
    chosen = files[first - 1 : last]
    for one in chosen:
        for path in (one.image, one.label):
            if not path.is_file():
                raise UserError(f"{name}: {path} is not there, though the set lists it")

    def read(number: int) -> EvaluationFrame:
        one = chosen[number]
        frame_bgr = read_photograph(one.image)
        values_hw = read_labels(one.label, frame_bgr.shape[:2])
        _check_values(values_hw, one)
        return EvaluationFrame(one.image.stem, frame_bgr, relabel(values_hw, one.table))

    return EvaluationSet(
        name=name,
        words=words,
        count=len(chosen),
        open=lambda: map(read, range(len(chosen))),
        read=read,
        settings={"frames": [first, last]},
    )


def _check_values(values_hw: np.ndarray, one: LabelledFile) -> None:
    """Refuse the labels of another kind than is read, such as a full set's; raises UserError."""
    strange = values_hw[(values_hw >= len(one.table)) & (values_hw != IGNORE)]
    if strange.size:
        raise UserError(
            f"{one.label} has the value {strange.max()}; expected 0 to {len(one.table) - 1} and "
            f"{IGNORE} for none: these are labels of another kind"
        )


def relabel(values_hw: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Classes of a file's values, uint8 (h, w).

    >>> relabel(np.array([[0, 1, 7]]), np.array([255, 0], np.uint8)).tolist()
    [[255, 0, 255]]
    """
    whole = np.full(max(IGNORE + 1, int(values_hw.max(initial=0)) + 1), IGNORE, np.uint8)
    whole[: len(table)] = table
    return whole[values_hw.astype(np.intp)]


def without_zero(classes: int) -> np.ndarray:
    """The table of ``reduce_zero_label``: 0 is ignored, and each other value is one less."""
    return np.array([IGNORE, *range(classes)], np.uint8)


def find_place(
    root: Path | None, places: Sequence[str], needs: Callable[[Path], bool], expected: str
) -> Path:
    """The first of some folders below ``root`` that has what a set needs.

    Args:
        root: as the user gave it.
        places: folders below it, ``""`` for itself.
        needs: whether a folder is the one.
        expected: what the set should look like, for the error.

    Raises:
        UserError: no root was given, or none of the places is the one.
    """
    if root is None:
        raise UserError(f"no folder was given; expected {expected}; give it with --root")
    for place in places:
        if needs(root / place):
            return root / place
    raise UserError(f"{root} is not the folder; expected {expected}; give it with --root")


def read_lines(path: Path) -> list[str]:
    """The names in a split's list, one a line.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}); expected a name a line") from None
