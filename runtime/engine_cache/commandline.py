"""``mgca-rt cache list|clear``: what the cache holds, and an end to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from runtime.cache import cache_folder
from runtime.command import CommandParser
from runtime.engine_cache.entry import EngineEntry
from runtime.engine_cache.store import EngineCache

PROG = "mgca-rt cache"
_EXAMPLES = """\
examples:
  mgca-rt cache list
  mgca-rt cache list --json
  mgca-rt cache clear

The cache is $MGCA_CACHE, else $XDG_CACHE_HOME/mgca, else ~/.cache/mgca; $MGCA_CACHE_LIMIT (8G)
bounds the engines in it. Everything in it can be made again."""

__all__ = ["run_cache"]


def run_cache(arguments: Sequence[str]) -> int:
    """Run the subcommand with what stands behind ``mgca-rt cache``; gives the exit code."""
    parser = CommandParser(
        prog=PROG, description="List or clear the cache of TensorRT engines.", epilog=_EXAMPLES
    )
    parser.add_argument("action", choices=("list", "clear"), help="what to do")
    parser.add_argument("--json", action="store_true", help="list as JSON, one object an engine")
    options = parser.parse_args(list(arguments))
    cache = EngineCache()
    if options.action == "list":
        _list(cache, options.json)
    else:
        _clear(cache)
    return 0


def _list(cache: EngineCache, as_json: bool) -> None:
    entries = cache.entries()
    if as_json:
        for entry in entries:
            print(json.dumps({"digest": entry.digest, **entry.record}, ensure_ascii=False))
        return
    for entry in entries:
        print(_describe(entry))
    total = sum(entry.size_bytes for entry in entries)
    what = "engine" if len(entries) == 1 else "engines"
    print(f"{len(entries)} {what}, {total / 2**20:.1f} MiB, in {cache.folder}")


def _describe(entry: EngineEntry) -> str:
    key, built = entry.key, entry.built
    parts = (
        entry.digest[:12],
        f"{entry.size_bytes / 2**20:8.1f} MiB",
        str(built.get("at", "?")),
        str(built.get("model", "?")),
        str(key.get("precision", "?")),
        f"TensorRT {key.get('tensorrt', '?')}",
        f"{key.get('gpu', '?')} (sm {key.get('compute_capability', '?')})",
    )
    return "  ".join(parts)


def _clear(cache: EngineCache) -> None:
    before = len(cache.entries())
    count, size = cache.clear()
    kept = len(cache.entries())
    for folder in _other_records():
        shutil.rmtree(folder, ignore_errors=True)
    note = f"; {kept} being built stay" if kept else ""
    print(
        f"removed {min(count, before)} engines, {size / 2**20:.1f} MiB, from {cache.folder}{note}"
    )


def _other_records() -> list[Path]:
    """What was remembered besides engines: timings of kernels, and which backend was fastest."""
    names = ("tensorrt_timing", "onnxruntime_tensorrt", "backend_choice", "rebuild")
    return [cache_folder() / name for name in names]
