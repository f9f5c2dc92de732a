"""A changed bundle: drawn from a seed and a number, so that any one can be made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.hostile_bundles.cache_mutations import change_cache
from benchmarks.hostile_bundles.corpus import SeedBundle
from benchmarks.hostile_bundles.file_mutations import (
    change_manifest,
    change_tokenizer,
    change_vocabulary,
)
from benchmarks.hostile_bundles.graph_mutations import change_graph
from benchmarks.hostile_bundles.json_mutations import room_for_depth
from runtime.bundle import (
    MANIFEST_FILE,
    SEGMENTER_FILE,
    TEXT_ENCODER_FILE,
    TOKENIZER_FILE,
    VOCABULARY_FILE,
)

#: Parts of a bundle and how often each is changed.
PARTS = {
    MANIFEST_FILE: 20,
    VOCABULARY_FILE: 15,
    TOKENIZER_FILE: 20,
    SEGMENTER_FILE: 25,
    TEXT_ENCODER_FILE: 12,
    "cache": 8,
}
# Of each of the corpus; the shipped one takes a second, the others hundredths.
_SEEDS = {"tiny": 45, "tiny-wordpiece": 45, "shipped": 10}
_OPENVINO_SHARE = 0.1

__all__ = ["PARTS", "Mutant", "draw_mutant", "write_mutant"]


@dataclass(frozen=True)
class Mutant:
    """One changed bundle, or a good one beside a changed cache.

    Attributes:
        number: with the run's seed, what it is drawn from.
        origin: name of the bundle it comes from.
        part: what was changed: a file's name, or ``cache``.
        backend: what is to run it.
        files: content by file name.
        cache: content by path inside the cache.
    """

    number: int
    origin: SeedBundle
    part: str
    backend: str
    files: Mapping[str, bytes]
    cache: Mapping[str, bytes] = field(default_factory=dict)


@room_for_depth()
def draw_mutant(
    seed: int,
    number: int,
    corpus: Sequence[SeedBundle],
    caches: Mapping[str, Mapping[str, bytes]],
    outside: str,
    *,
    openvino: bool,
) -> Mutant:
    """The mutant of a seed and a number; the same ones give the same bytes.

    Args:
        seed: of the run.
        number: in the run.
        corpus: where it may come from.
        caches: a good cache for each of them, by name; empty ones are never changed.
        outside: a folder that graphs are told to read from.
        openvino: whether OpenVINO may be what runs it.
    """
    random = Random(f"{seed}:{number}")
    origin = random.choices(corpus, [_SEEDS[one.name] for one in corpus])[0]
    part = random.choices(list(PARTS), list(PARTS.values()))[0]
    backend = "openvino" if random.random() < _OPENVINO_SHARE and openvino else "onnxruntime-cpu"
    if part == "cache":
        cache = change_cache(random, caches[origin.name])
        return Mutant(
            number, origin, part, "openvino" if openvino else backend, origin.files, cache
        )
    files = dict(origin.files)
    files[part] = _change(random, part, files[part], outside)
    if part != MANIFEST_FILE and random.random() < 0.97:
        files[MANIFEST_FILE] = _listing(origin.manifest, part, files[part])
    return Mutant(number, origin, part, backend, files)


def write_mutant(mutant: Mutant, folder: Path, cache: Path) -> None:
    """Write it; files that are as they were become hard links where they can (same time, too)."""
    folder.mkdir()
    for name, content in mutant.files.items():
        same = content is mutant.origin.files[name]
        if not (same and _link(mutant.origin.folder / name, folder / name)):
            (folder / name).write_bytes(content)
    for name, content in mutant.cache.items():
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _change(random: Random, part: str, content: bytes, outside: str) -> bytes:
    if part == MANIFEST_FILE:
        return change_manifest(random, content)
    if part == VOCABULARY_FILE:
        return change_vocabulary(random, content)
    if part == TOKENIZER_FILE:
        return change_tokenizer(random, content)
    return change_graph(random, content, outside)


def _listing(manifest: dict[str, Any], name: str, content: bytes) -> bytes:
    """The manifest with the changed file's own size and hash: else nobody looks any further."""
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"][name] = {"bytes": len(content), "sha256": digest}
    return json.dumps(manifest).encode()


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:  # another file system
        return False
    return True
