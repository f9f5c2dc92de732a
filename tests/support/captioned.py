"""Tables of captions with small pictures, made by the tests themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np


def write_pictures(folder: Path, count: int, size_wh: tuple[int, int] = (24, 16)) -> list[str]:
    """Noisy pictures ``images/0.png``, …, each another one; returns these names."""
    (folder / "images").mkdir(exist_ok=True)
    random = np.random.default_rng(count)
    names = [f"images/{number}.png" for number in range(count)]
    for name in names:
        picture = random.integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
        cv2.imwrite(str(folder / name), picture)
    return names


def write_table(folder: Path, rows: Sequence[Sequence[str]], name: str = "captions.tsv") -> str:
    """A table of these lines, the first its header; returns its path."""
    path = folder / name
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def write_captioned(folder: Path, count: int) -> str:
    """So many pictures with two captions each: their numbers, and "n plus"; the table's path."""
    names = write_pictures(folder, count)
    rows = [(name, text) for n, name in enumerate(names) for text in (str(n), f"{n} plus")]
    return write_table(folder, [("image", "caption"), *rows])


def number_tokens(texts: Sequence[str]) -> object:
    """A tokenizer for worker processes: the number that a caption begins with."""
    import torch

    return torch.tensor([[int(text.split()[0])] for text in texts])
