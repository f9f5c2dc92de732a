"""The local cache: small records that may be lost at any time. Engines lie beside them.

``$MGCA_CACHE`` if set, else ``$XDG_CACHE_HOME/mgca``, else ``~/.cache/mgca``. Nothing in it is
trusted: a record that cannot be read counts as absent, one that cannot be written is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.atomic_write import write_whole
from runtime.plain_json import json_text

__all__ = ["cache_folder", "read_record", "record_key", "write_record"]


def cache_folder() -> Path:
    """The cache's folder; it need not exist yet."""
    chosen = os.environ.get("MGCA_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "mgca"


def record_key(parts: Mapping[str, Any]) -> str:
    """A short name (32 hex digits) for what a record depends on; other parts, another name."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def read_record(kind: str, key: str) -> dict[str, Any] | None:
    """The record of a kind kept under a key, or None."""
    try:
        record = json.loads((cache_folder() / kind / f"{key}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def write_record(kind: str, key: str, record: Mapping[str, Any]) -> None:
    """Keep a record, in one rename; where the cache cannot be written, do nothing."""
    path = cache_folder() / kind / f"{key}.json"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json_text(record).encode())
