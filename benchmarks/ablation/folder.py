"""The working folder: what has been trained and scored is kept whole and used again.

A trial's folder and a result's file carry a key, a hash of everything that decides them; another
setting gives another name, so nothing stale is read. The code is not part of the key: a result made
by other code is used, and said to be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = REPOSITORY / "training" / "assets" / "demo.pt"


def key_of(settings: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that stand for JSON-ready settings."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def digest_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint_code() -> str:
    """Eight hexadecimal digits that stand for the sources of training and of this ablation."""
    sources = [
        path
        for folder in ("training", "benchmarks/ablation")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
    ]
    digest = hashlib.sha256()
    for path in sources:
        digest.update(str(path.relative_to(REPOSITORY)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def read_record(path: Path) -> dict[str, Any] | None:
    """A kept record, or None where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
