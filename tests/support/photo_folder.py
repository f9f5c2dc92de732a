"""A small folder of photographs with palette label images, for the hand-made bundle's colors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

NAMES = {1: "red", 2: "green", 5: "blue"}
COLORS_BGR = {0: (90, 90, 90), 1: (0, 0, 255), 2: (0, 255, 0), 5: (255, 0, 0)}


def write_photo_folder(root: Path, count: int = 4, size_wh: tuple[int, int] = (32, 24)) -> Path:
    """Write ``count`` photographs of colored blocks whose labels are mostly true; gives ``root``.

    Each has two of the three names in sight. A quarter of the blocks show another color than their
    label says, and some pixels are ignored.
    """
    draw = np.random.default_rng(7)
    width, height = size_wh
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    rows = ["image\tlabel\tpresent"]
    for number in range(count):
        in_sight = [0, *draw.permutation([1, 2, 5])[:2]]
        blocks = draw.choice(in_sight, (3, 4)).astype(np.uint8)
        shown = np.where(draw.random(blocks.shape) < 0.25, draw.choice([1, 2, 5]), blocks)
        tall = np.ones((height // 3, width // 4), np.uint8)
        frame_bgr = np.zeros((height, width, 3), np.uint8)
        for value, color in COLORS_BGR.items():
            frame_bgr[np.kron(shown, tall) == value] = color
        labels_hw = np.kron(blocks, tall).astype(np.uint8)
        labels_hw[0, : width // 8] = 255
        cv2.imwrite(str(root / f"images/{number}.png"), frame_bgr)
        write_palette_png(root / f"labels/{number}.png", labels_hw)
        present = ", ".join(NAMES[value] for value in np.unique(blocks) if value in NAMES)
        rows.append(f"images/{number}.png\tlabels/{number}.png\t{present}")
    (root / "manifest.tsv").write_text("\n".join(rows) + "\n")
    names = [f"{index}\t{name}\t0,0,0" for index, name in NAMES.items()]
    head = ["index\tname\trgb", "0\tbackground\t0,0,0"]
    table = [*head, *names, "255\tignored\t255,255,255"]
    (root / "classes.tsv").write_text("\n".join(table) + "\n")
    return root


def write_palette_png(path: Path, labels_hw: np.ndarray) -> None:
    """Write label values as positions in a palette, as annotators' tools do."""
    image = Image.fromarray(labels_hw)
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    image.save(path)
