"""``mgca-rt cache list|clear``: what the cache holds, and an end to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from runtime.backends.tensorrt.cache.entry import EngineEntry
from runtime.backends.tensorrt.cache.holdings import count_holdings, describe_counts
from runtime.backends.tensorrt.cache.store import EngineCache
from runtime.cache import cache_folder
from runtime.command import CommandParser

PROG = "mgca-rt cache"
_EXAMPLES = """\
examples:
  mgca-rt cache list
  mgca-rt cache list --json
  mgca-rt cache clear

The cache is $MGCA_CACHE, else $XDG_CACHE_HOME/mgca, else ~/.cache/mgca; $MGCA_CACHE_LIMIT (8G)
bounds the engines in it, those of ONNX Runtime's TensorRT provider and what OpenVINO compiled
included. What a crash left behind is listed as left over. Everything in it can be made again."""

# How each kind of holding but the engines is told of: as a JSON key, in words.
_KEYS = {"left over": "left_over", "provider": "provider_folder", "compiled": "compiled_graph"}
_REMARKS = {
    "left over": "left over: no readable sidecar says what it is",
    "provider": "engines of ONNX Runtime's TensorRT provider",
    "compiled": "compiled by OpenVINO",
}

__all__ = ["run_cache"]


def run_cache(arguments: Sequence[str]) -> int:
    """Run the subcommand with what stands behind ``mgca-rt cache``; gives the exit code."""
    parser = CommandParser(
        prog=PROG, description="List or clear the cache of engines and graphs.", epilog=_EXAMPLES
    )
    parser.add_argument("action", choices=("list", "clear"), help="what to do")
    parser.add_argument(
        "--json",
        action="store_true",
        help="as JSON: list, one object a thing; clear, one of what went and what stayed",
    )
    options = parser.parse_args(list(arguments))
    cache = EngineCache()
    if options.action == "list":
        _list(cache, options.json)
    else:
        _clear(cache, options.json)
    return 0


def _list(cache: EngineCache, as_json: bool) -> None:
    entries, holdings = cache.entries(), cache.holdings()
    others = [holding for holding in holdings if holding.kind != "engine"]
    if as_json:
        for entry in entries:
            print(json.dumps({"digest": entry.digest, **entry.record}, ensure_ascii=False))
        for holding in others:
            print(json.dumps({_KEYS[holding.kind]: holding.name, "bytes": holding.size_bytes}))
        return
    for entry in entries:
        print(_describe(entry))
    for holding in others:
        size = f"{holding.size_bytes / 2**20:8.1f} MiB"
        print(f"{holding.name[:12]}  {size}  {_REMARKS[holding.kind]}")
    print(f"{describe_counts(count_holdings(holdings))}, in {cache.folder.parent}")


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


def _clear(cache: EngineCache, as_json: bool) -> None:
    gone, kept = cache.clear()
    for folder in _other_records():
        shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print(json.dumps({"removed": count_holdings(gone), "kept": count_holdings(kept)}))
        return
    note = f"; {len(kept)} in use stay" if kept else ""
    print(f"removed {describe_counts(count_holdings(gone))}, from {cache.folder.parent}{note}")


def _other_records() -> list[Path]:
    """What was remembered besides engines: timings of kernels, and which backend was fastest."""
    names = ("tensorrt_timing", "backend_choice", "rebuild")
    return [cache_folder() / name for name in names]
