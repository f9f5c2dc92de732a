"""What a run consists of: methods times sets, what is there of it, and what was done before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.datasets.evaluation_set import Selection
from benchmarks.datasets.registry import all_datasets
from benchmarks.record.files import write_json
from runtime.errors import UserError

RANDOM = "random"
# Folders that a set may lie in below DATA, beside DATA itself and a folder of the set's own name.
_FOLDERS = {
    "voc21": ("VOCdevkit", "voc"),
    "voc20": ("VOCdevkit", "voc"),
    "context60": ("VOCdevkit", "pascal_context"),
    "context59": ("VOCdevkit", "pascal_context"),
    "coco-object": ("coco", "coco_stuff164k", "coco_object"),
    "coco-stuff": ("coco", "coco_stuff164k"),
    "cityscapes": ("cityscapes",),
    "ade20k": ("ade", "ade20k", "ADEChallengeData2016"),
}

__all__ = ["RANDOM", "Plan", "find_roots", "hold_to"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What figures hang on; a folder holds those of one plan.

    Attributes:
        clip: open_clip's name of the model.
        pretrained: its weights: a tag, a file, or ``random``.
        activation: what a file's weights were trained with, or None.
        protocol: ``sclip`` or ``tcl``.
        position_resize: how position embeddings come to the windows' grid.
        precision: of the bundles.
    """

    clip: str
    pretrained: str
    activation: str | None
    protocol: str
    position_resize: str
    precision: str

    @property
    def is_random(self) -> bool:
        """Whether the weights are random, and figures mean nothing."""
        return self.pretrained == RANDOM


def hold_to(plan: Plan, out: Path) -> None:
    """Have a folder hold the figures of this plan, and of no other.

    Raises:
        UserError: it holds those of another.
    """
    path, record = out / "plan.json", asdict(plan)
    if not path.exists():
        write_json(path, record)
        return
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); give another --out") from None
    if not isinstance(found, dict) or found != record:
        others = [
            name
            for name in record
            if not isinstance(found, dict) or found.get(name) != record[name]
        ]
        raise UserError(
            f"--out {out} holds figures of another run ({', '.join(others)} differ); give another "
            "folder, or the same flags"
        )


def find_roots(data: Path, datasets: Sequence[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """Where each set lies below a folder, and for each that is not there, why.

    Raises:
        UserError: none is there.
    """
    if not data.is_dir():
        raise UserError(f"--root {data}: no such folder; expected one that holds the data sets")
    roots: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for name in datasets:
        reasons = []
        for folder in dict.fromkeys(("", name, *_FOLDERS[name])):
            place = data / folder
            if folder and not place.is_dir():
                continue
            try:
                all_datasets()[name].open(Selection(root=place))
            except UserError as error:
                reasons.append(str(error))
                continue
            roots[name] = place
            break
        else:
            # A set that is there in part says more than a folder in which it is not.
            missing[name] = max(reasons, key=lambda reason: "though the set lists it" in reason)
    if not roots:
        first = next(iter(missing.values()))
        raise UserError(f"--root {data} holds none of {', '.join(datasets)}: {first}")
    return roots, missing


def read_score(path: Path, bundle_id: str | None) -> dict[str, Any] | None:
    """A set's record of an earlier run; None: there is none, or it is of another bundle."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or record.get("bundle", {}).get("id") != bundle_id:
        return None
    return record
