"""The sweep of training's data: shards read, decoded, shuffled and cropped."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import cv2
import numpy as np

from benchmarks.growth.sweep import Sweep, Work

PAIRS_IN_SHARD = 100
_BATCH = 50

__all__ = ["PAIRS_IN_SHARD", "TRAINING_SWEEPS"]


def write_shard(path: Path, first: int) -> None:
    """Write a tar of pictures of 160x120 and captions, numbered from ``first`` on."""
    with tarfile.open(path, "w") as archive:
        for number in range(first, first + PAIRS_IN_SHARD):
            small = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
            picture = cv2.imencode(".jpg", cv2.resize(small, (160, 120)))[1].tobytes()
            for ending, content in (("jpg", picture), ("txt", f"picture {number}".encode())):
                member = tarfile.TarInfo(f"{number:08}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def _write_shards(folder: Path, count: int) -> None:
    cv2.setNumThreads(1)
    for shard in range(count):
        path = folder / f"{shard:05}.tar"
        if not path.exists():
            write_shard(path, shard * PAIRS_IN_SHARD)


def _load(folder: Path) -> Path:
    """Everything imported, and one shard read."""
    _shards(folder, 1)()
    return folder


def _shards(folder: Path, count: int) -> Work:
    """One pass over the pairs of so many shards, in this process."""
    from training.data.crops import Cropping
    from training.data.shards import shard_batches

    last = f"{count - 1:05}"

    def work() -> None:
        batches = shard_batches(
            shards=str(folder / f"{{00000..{last}}}.tar"),
            steps=count * PAIRS_IN_SHARD // _BATCH,
            batch=_BATCH,
            cropping=Cropping((128, 96), (0.5, 1.0)),
            seed=0,
            collate=len,  # type: ignore[arg-type]  # no batch is made: only reading is measured
            workers=0,
        )
        read = sum(1 for _ in batches)
        assert read == count * PAIRS_IN_SHARD // _BATCH

    return work


TRAINING_SWEEPS = (
    Sweep(
        "shards",
        "shards",
        f"of {PAIRS_IN_SHARD} pairs: read, decoded, shuffled and cropped once",
        (5, 10, 20, 40, 80),
        _load,
        _shards,
        (1, 2),
        _write_shards,
    ),
)
