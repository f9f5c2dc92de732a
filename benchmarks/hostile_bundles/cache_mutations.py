"""The cache beside a bundle: engine sidecars, compiled graphs' records, remembered choices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

from benchmarks.hostile_bundles.file_mutations import change_bytes
from benchmarks.hostile_bundles.json_mutations import change_json, to_bytes
from runtime.backends.tensorrt.cache.key import EngineKey
from runtime.bundle import SEGMENTER_FILE, load_bundle

__all__ = ["change_cache", "engine_files", "read_files"]


def engine_files(bundle: Path) -> dict[str, bytes]:
    """A plan that no GPU made and a sidecar that describes it, by path inside a cache."""
    opened = load_bundle(bundle, verify=False)
    sha256, precision = opened.graph_sha256(SEGMENTER_FILE), opened.manifest.precision
    key = EngineKey(sha256, "10.0.0", "a GPU", "9.0", precision)
    plan = b"a plan"
    sidecar = {
        "format": 1,
        "key": key.to_json(),
        "plan": {"bytes": len(plan), "sha256": hashlib.sha256(plan).hexdigest()},
        "built": {"at": "2026-01-01T00:00:00Z", "model": "colors", "settings": {}},
        "evidence": {},
    }
    stem = f"engines/{key.digest}"
    return {f"{stem}.plan": plan, f"{stem}.json": json.dumps(sidecar).encode()}


def read_files(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by its path inside."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def change_cache(random: Random, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The cache with one file changed; JSON mostly stays JSON."""
    changed = dict(files)
    name = random.choice(sorted(files))
    if name.endswith(".json") and random.random() < 0.85:
        changed[name] = to_bytes(change_json(random, json.loads(files[name])))
    else:
        changed[name] = change_bytes(random, files[name])
    return changed
