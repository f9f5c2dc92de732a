"""``classes.json``: what the values of a folder of label images mean, and whose images they are.

Beside the PNGs stands which name and color each value has, which bundle and which command made
them. A folder whose list is another one is not mixed with: see :mod:`runtime.sinks.labels`. Where
the classes were changed in mid-run, ``changes`` says from which image on values mean others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from runtime.atomic_write import write_whole
from runtime.plain_json import json_text
from runtime.redaction import redact
from runtime.sinks.base import RunFacts

LIST_NAME = "classes.json"
FORMAT = "mgca-labels"
#: A label image begins like this: signature, IHDR, width, height, 8 bits, greyscale.
_GREY_8_BIT = re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR.{8}\x08\0", re.DOTALL)
_LARGEST_BYTES = 1 << 20

__all__ = ["LIST_NAME", "describe_classes", "find_labels", "read_class_names", "write_class_list"]


def describe_classes(facts: RunFacts) -> dict[str, Any]:
    """The record of a class list: each value's name and color, what 255 is, bundle, command."""
    from runtime.draw.palette import palette
    from runtime.text.classes import NONE_LABEL

    colors_bgr = palette(255)
    return {
        "format": FORMAT,
        "classes": [
            {
                "value": value,
                "name": name,
                "color": "#" + "".join(f"{level:02x}" for level in colors_bgr[value][::-1]),
            }
            for value, name in enumerate(facts.class_names)
        ],
        "none": NONE_LABEL,
        "background": list(facts.background),
        "bundle": facts.bundle_id,
        "command": redact(facts.command),
    }


def write_class_list(
    folder: Path, facts: RunFacts, changes: Sequence[tuple[str, Sequence[str]]] = ()
) -> None:
    """Write the list into the folder; raises ``OSError``.

    ``changes``: for each later list of the run, the first image's file and its names.
    """
    record = describe_classes(facts)
    if changes:
        record["changes"] = [
            {"from": name, "classes": list(class_names)} for name, class_names in changes
        ]
    write_whole(folder / LIST_NAME, json_text(record).encode("utf-8"))


def read_class_names(folder: Path) -> tuple[str, ...] | None:
    """The names of a folder's list in order of their values; None if it has no list of ours.

    Of a folder with several lists no names are given, but a remark: no other run may join it.

    Raises:
        ValueError: the file is there and is not such a list.
        OSError: it cannot be read.
    """
    path = folder / LIST_NAME
    if not path.exists():
        return None
    with path.open("rb") as stream:
        content = stream.read(_LARGEST_BYTES + 1)
    try:
        record = json.loads(content)
        if record["format"] != FORMAT:
            raise ValueError(FORMAT)
        if record.get("changes"):
            return ("several lists",)
        return tuple(str(entry["name"]) for entry in record["classes"])
    except (KeyError, TypeError, RecursionError, ValueError):
        raise ValueError(f"{path} is not a list of label values") from None


def find_labels(folder: Path, inputs: Iterable[str] = ()) -> list[Path]:
    """The 8-bit grey PNGs of a folder, but those among ``inputs`` (real paths); in order."""
    kept = set(inputs)
    found = []
    for path in sorted(folder.glob("*.png")) if folder.is_dir() else []:
        try:
            with path.open("rb") as stream:
                head = stream.read(26)
            if _GREY_8_BIT.match(head) and str(path.resolve()) not in kept:
                found.append(path)
        except OSError:
            continue
    return found
