"""One row with one seed: trained by the project's own command, then scored.

What is done is kept and not done again. A trial's folder carries a key of all settings, so that
other settings never meet old figures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ablation.photographs.rows import Row, changes_of
from benchmarks.ablation.photographs.study import Study
from benchmarks.record.files import write_json, write_text
from benchmarks.record.tsv import read_tsv
from runtime.errors import MgcaError
from training.config.run import TrainConfig
from training.config.values import apply_changes, to_dict
from training.engine.checkpoint import Checkpoint, load_checkpoint
from training.recipes.registry import find_config


class Trial:
    """A row with a seed.

    Args:
        study: see there.
        row: of :mod:`benchmarks.ablation.photographs.rows`.
        seed: 0, 1, ...
    """

    def __init__(self, study: Study, row: Row, seed: int) -> None:
        self.study, self.row, self.seed = study, row, seed
        self.config = configure(study, row, seed)
        decides = json.dumps(to_dict(self.config), sort_keys=True, default=str)
        key = hashlib.sha256(decides.encode()).hexdigest()[:8]
        self.folder = study.work / f"{row.name}-s{seed}-{key}"
        self.checkpoint = self.folder / self.config.name / "last.pt"

    def is_trained(self) -> bool:
        """Whether the checkpoint is there, finished."""
        return (self.folder / "trained.json").is_file()

    def train(self) -> None:
        """Train unless that is done."""
        if self.is_trained():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "settings.json"
        write_json(settings, to_dict(self.config))
        if self.row.pairs:
            write_first_pairs(self.study.captions, self.row.pairs, table_of(self.study, self.row))
        self._run("training.run", "--config", str(settings), "--runs", str(self.folder))
        write_json(self.folder / "trained.json", {"row": self.row.name, "seed": self.seed})

    def score(self, scorer: Callable[[Checkpoint], dict[str, Any]]) -> dict[str, Any]:
        """The figures, measured unless that is done.

        Args:
            scorer: of a trained row (benchmarks.ablation.photographs.scoring).
        """
        path = self.folder / "scores.json"
        if not path.is_file():
            write_json(path, scorer(load_checkpoint(self.checkpoint)))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _run(self, module: str, *flags: str) -> None:
        log = self.folder / f"{module.replace('.', '-')}.log"
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                [sys.executable, "-m", module, *flags], stdout=output, stderr=output, check=False
            )
        if done.returncode:
            last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise MgcaError(f"python -m {module} ended with {done.returncode}: {' '.join(last)}; "
                            f"all it said is in {log}")  # fmt: skip


def configure(study: Study, row: Row, seed: int) -> TrainConfig:
    """The recipe's first leg alone, with a row's settings."""
    recipe = find_config("photo")
    config = dataclasses.replace(
        recipe,
        name="run",
        # A run uses its seed and the two that follow.
        seed=10 * seed,
        legs=recipe.legs[:1],
        evaluation=dataclasses.replace(recipe.evaluation, every=0, scenes=1),
    )
    return apply_changes(
        config,
        {
            "mgca.steps": study.steps,
            "mgca.batch": study.batch,
            "mgca.warmup": min(recipe.mgca.warmup, study.steps // 5),
            "data.captions": str(table_of(study, row)),
            "data.split": None if row.pairs else "train",
            "data.squashed": True,
            "data.cache_features": 1,
            **changes_of(row),
        },
    )


def table_of(study: Study, row: Row) -> Path:
    """The table that a row is trained on."""
    return study.work / f"first-{row.pairs}.tsv" if row.pairs else study.captions


def count_pairs(table: Path) -> int:
    """How many photographs the training split of a table of captions has."""
    return len({row["image"] for row in _training_rows(table)})


def _training_rows(table: Path) -> list[dict[str, str]]:
    rows = read_tsv(table, ("image", "caption", "split"))
    return [row for row in rows if row["split"] == "train"]


def write_first_pairs(table: Path, pairs: int, path: Path) -> None:
    """Write a table with the first photographs of a table's training split.

    Args:
        table: of captions, with the columns ``image``, ``caption`` and ``split``.
        pairs: how many photographs, with all of their captions.
        path: of the new table.

    Raises:
        MgcaError: the table has fewer.
    """
    rows = _training_rows(table)
    taken = list(dict.fromkeys(row["image"] for row in rows))[:pairs]
    if len(taken) < pairs:
        raise MgcaError(f"{table} has {len(taken)} photographs to train on, not {pairs}")
    chosen = set(taken)
    lines = [
        f"{(table.parent / row['image']).resolve()}\t{row['caption']}"
        for row in rows
        if row["image"] in chosen
    ]
    write_text(path, "\n".join(["image\tcaption", *lines]) + "\n")
