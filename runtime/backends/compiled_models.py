"""Graphs as an engine has compiled them, kept in the cache so that the next start is quicker.

``openvino/<key>.blob`` beside ``<key>.json``, which has the graph's tensors and a sha256 of both.
OpenVINO's own CACHE_DIR is not used: it takes a blob with damaged weights for a good one, and then
computes something else without a word. Here a blob that is not what its record says is as good as
absent, and a cache that cannot be written costs nothing but time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.atomic_write import write_whole
from runtime.backends.tensorrt.cache.holdings import COMPILED_FOLDER, remove_compiled
from runtime.cache import cache_folder, read_record, record_key, write_record
from runtime.errors import MgcaError

log = logging.getLogger(__name__)

__all__ = ["compiled_key", "drop_compiled", "read_compiled", "write_compiled"]


def compiled_key(graph: Path, graph_sha256: str, parts: Mapping[str, Any]) -> str | None:
    """The name of a compiled graph: what it was made from, with what, for which processor.

    Args:
        graph: the ONNX file. Its size and time count as well, since a bundle may be opened without
            comparing digests.
        graph_sha256: digest of the file and its weights, as the manifest has it.
        parts: the engine's version, its options, the processor.

    Returns:
        32 hex digits, or None if the file cannot be looked at.
    """
    try:
        state = graph.stat()
    except OSError:
        return None
    seen = [graph_sha256, state.st_size, state.st_mtime_ns]
    return record_key({"graph": seen, **parts})


def read_compiled(key: str) -> tuple[bytes, dict[str, Any]] | None:
    """A blob and its record, marked as used; None if there is none, or it is damaged."""
    record = read_record(COMPILED_FOLDER, key)
    if record is None:
        return None
    path = _blob(key)
    try:
        blob = path.read_bytes()
        if record.pop("sha256", None) != _digest(blob, record):
            log.info("%s is damaged and is made again", path)
            return None
        os.utime(path)
    except OSError:
        return None
    return blob, record


def write_compiled(key: str, blob: bytes, record: Mapping[str, Any]) -> None:
    """Keep a blob, and remove others if the cache is over its limit; never raises for a disk."""
    from runtime.backends.tensorrt.cache.store import EngineCache

    with contextlib.suppress(OSError, MgcaError):
        cache = EngineCache()
        if len(blob) > cache.limit_bytes:
            return
        _blob(key).parent.mkdir(parents=True, exist_ok=True)
        write_whole(_blob(key), blob)
        write_record(COMPILED_FOLDER, key, {**record, "sha256": _digest(blob, record)})
        cache.make_room(keep=key)


def drop_compiled(key: str) -> None:
    """Remove a blob that the engine did not take."""
    remove_compiled(_blob(key))


def _digest(blob: bytes, record: Mapping[str, Any]) -> str:
    """Of a blob and all that its record says of it."""
    said = json.dumps(record, sort_keys=True).encode()
    return hashlib.sha256(hashlib.sha256(blob).digest() + said).hexdigest()


def _blob(key: str) -> Path:
    return cache_folder() / COMPILED_FOLDER / f"{key}.blob"
