"""What takes room in the cache, and which of it goes first when there is too much."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

PROVIDER_FOLDER = "onnxruntime_tensorrt"
COMPILED_FOLDER = "openvino"
# What is younger may be on its way: systems without locks write a plan and its sidecar one after
# the other, and ONNX Runtime holds no lock of ours while it builds.
YOUNGEST_S = {"engine": 0.0, "left over": 600.0, "provider": 3600.0, "compiled": 0.0}
Kind = Literal["engine", "left over", "provider", "compiled"]
# How each kind is counted, in records.
_COUNTS: dict[Kind, str] = {
    "engine": "engines",
    "left over": "left_over",
    "provider": "provider_folders",
    "compiled": "compiled_graphs",
}

log = logging.getLogger(__name__)

__all__ = [
    "COMPILED_FOLDER",
    "PROVIDER_FOLDER",
    "Holding",
    "Kind",
    "compiled_holdings",
    "count_holdings",
    "describe_counts",
    "evict",
    "provider_holdings",
    "remove_compiled",
    "size_of",
    "time_of",
]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Something in the cache that takes room, and how to be rid of it.

    Attributes:
        name: an engine's digest, the key of one of the provider's folders or of a compiled graph.
        kind: ``engine``; ``left over``, a plan or a part of one that no readable sidecar
            describes, which nothing will ever use; ``provider``, a folder that ONNX Runtime's
            TensorRT provider keeps engines in; ``compiled``, a graph that OpenVINO compiled.
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
        # Where the clock has gone back, what is there is of the future: it is not young for ever.
        if holding.name == keep or abs(now - holding.used_at) < YOUNGEST_S[holding.kind]:
            continue
        if holding.remove():
            log.info("%s %s is removed: the cache is over its limit", holding.kind, holding.name)
            total -= holding.size_bytes


def count_holdings(holdings: Sequence[Holding]) -> dict[str, int]:
    """How many there are of each kind, and their ``bytes`` together."""
    counts = {key: sum(one.kind == kind for one in holdings) for kind, key in _COUNTS.items()}
    return {**counts, "bytes": sum(one.size_bytes for one in holdings)}


def describe_counts(numbers: Mapping[str, int]) -> str:
    """Such as ``2 engines and 1 left over, 3.0 MiB``."""
    parts = [f"{numbers['engines']} {'engine' if numbers['engines'] == 1 else 'engines'}"]
    if numbers["left_over"]:
        parts.append(f"{numbers['left_over']} left over")
    if numbers["provider_folders"]:
        parts.append(f"{numbers['provider_folders']} of ONNX Runtime's provider")
    if numbers["compiled_graphs"]:
        parts.append(f"{numbers['compiled_graphs']} compiled by OpenVINO")
    return f"{' and '.join(parts)}, {numbers['bytes'] / 2**20:.1f} MiB"


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


def compiled_holdings(root: Path) -> list[Holding]:
    """The graphs that OpenVINO has compiled, one a key (:mod:`..compiled_models`)."""
    found: list[Path] = []
    with contextlib.suppress(OSError):
        found = [path for path in sorted(root.iterdir()) if ".blob" in path.name]
    return [
        Holding(
            name=path.stem,
            kind="compiled" if path.suffix == ".blob" else "left over",
            size_bytes=size_of(path),
            used_at=time_of(path),
            remove=partial(remove_compiled, path),
        )
        for path in found
    ]


def remove_compiled(blob: Path) -> bool:
    """Remove a compiled graph and its record; whether they are gone."""
    with contextlib.suppress(OSError):
        blob.unlink(missing_ok=True)
        blob.with_suffix(".json").unlink(missing_ok=True)
    return not blob.exists()


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
