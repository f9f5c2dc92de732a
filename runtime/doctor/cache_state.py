"""The cache: where it is, whether it can be written, and what it holds."""

from __future__ import annotations

import os

from runtime.backends.tensorrt.cache.holdings import count_holdings, describe_counts
from runtime.backends.tensorrt.cache.store import EngineCache
from runtime.cache import cache_folder
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, ok

__all__ = ["examine"]


def examine() -> list[Finding]:
    """Folder, limit and contents."""
    return [_folder(), *ask("contents", look)]


def look() -> list[Finding]:
    """The contents, engines' records read."""
    cache = EngineCache()
    counts = count_holdings(cache.holdings())
    limit = f"{cache.limit_bytes / 2**30:.1f} GiB at most"
    detail = f"{describe_counts(counts)}; {limit}; mgca-rt cache list shows them"
    choices = len([*(cache_folder() / "backend_choice").glob("*.json")])
    values = {**counts, "backend_choices": choices, "limit_bytes": cache.limit_bytes}
    return [ok("contents", detail, **values)]


def _folder() -> Finding:
    folder = cache_folder()
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    values = {"folder": str(folder), "exists": folder.is_dir()}
    if nearest == folder and not folder.is_dir():
        remedy = "set MGCA_CACHE to a folder"
        return broken("folder", f"{folder} is no folder", remedy, writable=False, **values)
    writable = os.access(nearest, os.W_OK | os.X_OK)
    if not writable:
        reason = f"{folder} cannot be written: every start tries the backends again"
        remedy = "set MGCA_CACHE to a folder that can"
        return broken("folder", reason, remedy, writable=False, **values)
    if not folder.is_dir():
        return ok("folder", f"{folder}, made when needed", writable=True, **values)
    return ok("folder", str(folder), writable=True, **values)
