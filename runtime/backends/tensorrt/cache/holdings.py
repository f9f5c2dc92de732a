"""What takes room in the cache, and which of it goes first when there is too much."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

PROVIDER_FOLDER = "onnxruntime_tensorrt"
# What is younger may be on its way: systems without locks write a plan and its sidecar one after
# the other, and ONNX Runtime holds no lock of ours while it builds.
YOUNGEST_S = {"engine": 0.0, "left over": 600.0, "provider": 3600.0}
Kind = Literal["engine", "left over", "provider"]

log = logging.getLogger(__name__)

__all__ = ["PROVIDER_FOLDER", "Holding", "Kind", "evict", "provider_holdings", "size_of", "time_of"]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Something in the cache that takes room, and how to be rid of it.

    Attributes:
        name: an engine's digest, or the key of one of the provider's folders.
        kind: ``engine``; ``left over``, a plan or a part of one that no readable sidecar
            describes, which nothing will ever use; ``provider``, a folder that ONNX Runtime's
            TensorRT provider keeps engines in.
        size_bytes: of its plans, whole or in part, as they lie on the disk.
        used_at: when it was last used or written, in seconds since the epoch.
        remove: removes it; False if it is being built, or cannot be removed.
    """

    name: str
    kind: Kind
    size_bytes: int
    used_at: float
    remove: Callable[[], bool]


def evict(holdings: Sequence[Holding], limit_bytes: int, keep: str) -> None:
    """Remove holdings until the rest fits: left-overs first, then the least recently used.

    ``keep`` is the name of one that stays; those that may be on their way stay too.
    """
    total = sum(holding.size_bytes for holding in holdings)
    now = time.time()
    for holding in sorted(holdings, key=lambda one: (one.kind != "left over", one.used_at)):
        if total <= limit_bytes:
            return
        if holding.name == keep or now - holding.used_at < YOUNGEST_S[holding.kind]:
            continue
        if holding.remove():
            log.info("%s %s is removed: the cache is over its limit", holding.kind, holding.name)
            total -= holding.size_bytes


def provider_holdings(root: Path) -> list[Holding]:
    """The folders that ONNX Runtime's TensorRT provider has been given, one a key."""
    found = []
    with contextlib.suppress(OSError):
        found = [path for path in sorted(root.iterdir()) if path.is_dir()]
    return [
        Holding(
            name=folder.name,
            kind="provider",
            size_bytes=sum(size_of(path) for path in folder.rglob("*") if path.is_file()),
            used_at=time_of(folder),
            remove=partial(_remove_folder, folder),
        )
        for folder in found
    ]


def size_of(path: Path) -> int:
    """A file's size in bytes; 0 for one that is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def time_of(path: Path) -> float:
    """When a file was last written or marked as used; 0 for one that is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _remove_folder(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
