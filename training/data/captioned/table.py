"""A table of captions: a line names a picture and says one caption of it, tabs or commas between.

The first line names the columns: ``image`` (a path, from the table's folder on), ``caption``, and
``split`` where a table has several. A picture may have as many lines as it has captions. How lines
become cells: :mod:`training.data.captioned.rows`.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from runtime.errors import UserError
from training.data.captioned.rows import split_rows
from training.data.tally import Tally

IMAGE, CAPTION, SPLIT = "image", "caption", "split"
# What a column may be called, the preferred first; the second ones are open_clip's.
COLUMNS = {IMAGE: (IMAGE, "filepath"), CAPTION: (CAPTION, "title"), SPLIT: (SPLIT,)}
DEFAULT_SPLIT = "train"
EMPTY = "lines without a caption"
NO_IMAGE = "lines without a picture's name"
MISSING = "pictures that are not there"
EXPECTED = "expected a first line 'image<TAB>caption' (and, if wanted, '<TAB>split'), or a CSV's"
NAMES_IN_MESSAGES = 3


@dataclass(frozen=True)
class CaptionTable:
    """The pictures of a split, in the order in which they come first, each with its captions.

    Attributes:
        path: of the table.
        images: the pictures' names, as the table has them.
        captions: of each, at least one, each once.
        missing: names of pictures that are not there.
        tally: what was passed over, these pictures too.
    """

    path: Path
    images: list[str]
    captions: list[list[str]]
    missing: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def picture_path(self, number: int) -> Path:
        """Where a picture lies."""
        return self.path.parent / self.images[number]

    def describe_missing(self) -> str | None:
        """One line about the pictures that are not there; None: all are."""
        if not self.missing:
            return None
        return (
            f"{len(self.missing)} of {len(self.missing) + len(self)} pictures of '{self.path}' are "
            f"not there, such as {_name_some(self.missing)}; training goes on without them"
        )


def read_table(path: Path, split: str | None = DEFAULT_SPLIT) -> CaptionTable:
    """Read a split of a table and see which of its pictures are there.

    Args:
        path: of the table.
        split: which lines; None: all. A table without a column ``split`` is one split, ``train``.

    Raises:
        UserError: no such table, or nothing in it to train on.
    """
    rows = split_rows(path, _read_text(path))
    columns = _find_columns(path, next(rows)[1])
    tally = Tally()
    captions_of: dict[str, list[str]] = {}
    for image, caption in _rows(path, rows, columns, split, tally):
        captions = captions_of.setdefault(image, [])
        if caption not in captions:
            captions.append(caption)
    if not captions_of:
        passed = f"; passed over: {tally.describe()}" if tally.passed_over else ""
        raise UserError(
            f"--train-data '{path}' has no line with a picture and a caption{passed}; {EXPECTED}"
        )
    there, missing = _find_pictures(path, list(captions_of))
    for image in missing:
        tally.pass_over(MISSING, image)
    return CaptionTable(path, there, [captions_of[image] for image in there], missing, tally)


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"--train-data '{path}' cannot be read ({error.strerror}); expected a table of "
            "captions, or shards such as 'cc3m/{00000..00331}.tar'"
        ) from None
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"--train-data '{path}' is not UTF-8 (byte {error.start}); expected a text file; "
            "save it as UTF-8"
        ) from None


def _find_columns(path: Path, cells: list[str]) -> dict[str, int]:
    """Number of each column that is used, by name."""
    names = [cell.strip().lower() for cell in cells]
    columns = {
        column: names.index(name)
        for column, known in COLUMNS.items()
        for name in reversed(known)
        if name in names
    }
    if IMAGE in columns and CAPTION in columns:
        return columns
    raise UserError(f"--train-data '{path}' {_describe_header(cells, names)}; {EXPECTED}")


def _describe_header(cells: list[str], names: list[str]) -> str:
    """What is wrong with a first line that does not name the columns."""
    header = "\t".join(cells)
    shown = header if len(header) <= 80 else header[:77] + "…"
    if any(name in ("url", "image_url") or _is_address(name) for name in names):
        return (
            f"is a list of addresses (its first line is '{shown}'), not of pictures: img2dataset "
            "fetches them into shards (docs/cc3m.md)"
        )
    if not header.strip():
        return "begins with an empty line"
    if any(Path(name).suffix and " " not in name for name in names):
        return f"has no header: its first line is '{shown}'"
    return f"has the columns {', '.join(repr(name) for name in names)}"


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _rows(
    path: Path,
    rows: Iterable[tuple[int, list[str]]],
    columns: dict[str, int],
    split: str | None,
    tally: Tally,
) -> Iterator[tuple[str, str]]:
    """Image and caption of each line of the split."""
    if split is not None and SPLIT not in columns and split != DEFAULT_SPLIT:
        raise UserError(
            f"data.split is '{split}', but '{path}' has no column 'split'; expected one, or "
            "--set data.split=null for all lines"
        )
    wanted = split if SPLIT in columns else None
    seen: dict[str, int] = {}
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        values = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
        if wanted is not None:
            seen[values[SPLIT]] = seen.get(values[SPLIT], 0) + 1
            if values[SPLIT] != wanted:
                continue
        caption = " ".join(values[CAPTION].split())
        if not values[IMAGE] or not caption:
            tally.pass_over(EMPTY if values[IMAGE] else NO_IMAGE, f"{path}: line {number}")
            continue
        yield values[IMAGE], caption
    if wanted is not None and seen and wanted not in seen:
        held = ", ".join(f"'{name}' ({count} lines)" for name, count in list(seen.items())[:6])
        raise UserError(
            f"data.split is '{split}', but '{path}' has none of it: its splits are {held}; "
            "expected one of them, e.g. --set data.split=NAME, or --set data.split=null for all"
        )


def _find_pictures(path: Path, images: list[str]) -> tuple[list[str], list[str]]:
    """Those that are there, and those that are not."""
    there: list[str] = []
    missing: list[str] = []
    for image in tqdm(images, desc="looking for pictures", delay=2, disable=None):
        (there if os.path.isfile(path.parent / image) else missing).append(image)
    if not there:
        raise UserError(
            f"--train-data '{path}': none of its {len(missing)} pictures is there, such as "
            f"{_name_some(missing)}; expected them at these paths from the folder "
            f"'{path.parent}' on"
        )
    return there, missing


def _name_some(images: list[str]) -> str:
    return ", ".join(f"'{image}'" for image in images[:NAMES_IN_MESSAGES])
