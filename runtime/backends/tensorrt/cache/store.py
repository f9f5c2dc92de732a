"""The folder of engines: found by key, written whole, and bounded together with the provider's."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from runtime.atomic_write import write_whole
from runtime.backends.tensorrt.cache.entry import (
    FORMAT,
    BrokenEntryError,
    EngineEntry,
    describe_plan,
    read_entry,
)
from runtime.backends.tensorrt.cache.holdings import (
    COMPILED_FOLDER,
    PROVIDER_FOLDER,
    Holding,
    Kind,
    compiled_holdings,
    evict,
    provider_holdings,
    size_of,
    time_of,
)
from runtime.backends.tensorrt.cache.key import EngineKey
from runtime.backends.tensorrt.cache.locking import LockedError, hold_lock
from runtime.cache import cache_folder
from runtime.errors import MgcaError, UserError
from runtime.plain_json import json_text

DEFAULT_LIMIT_BYTES = 8 << 30
LONGEST_BUILD_S = 3600.0
# <digest>.plan, <digest>.json, and either of them while it is written (runtime.atomic_write).
_ENGINE_FILE = re.compile(r"\.?(?P<digest>[^.]+)\.(plan|json)(\..+\.part(ial)?)?")

log = logging.getLogger(__name__)

__all__ = ["DEFAULT_LIMIT_BYTES", "EngineCache", "parse_size"]


class EngineCache:
    """Engines under ``$MGCA_CACHE/engines``: ``<digest>.plan`` beside ``<digest>.json``.

    A plan is used only if its size and sha256 are its sidecar's, so that a crash between the two
    writes, a full disk or a copied folder costs a rebuild and nothing else. Beside it lie
    ``onnxruntime_tensorrt/<key>/``, where ONNX Runtime's TensorRT provider keeps engines of its
    own, and ``openvino/``, where compiled graphs are kept. When all of them are more than
    ``limit_bytes`` (default ``$MGCA_CACHE_LIMIT``, such as ``2G``, else 8 GiB), what no sidecar
    describes goes first, then the least recently used.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int | None = None) -> None:
        self.folder = cache_folder() / "engines" if folder is None else folder
        self.provider_root = self.folder.parent / PROVIDER_FOLDER
        self.compiled_root = self.folder.parent / COMPILED_FOLDER
        limit = os.environ.get("MGCA_CACHE_LIMIT")
        if limit_bytes is None:
            limit_bytes = parse_size(limit) if limit else DEFAULT_LIMIT_BYTES
        self.limit_bytes = limit_bytes

    def find(self, key: EngineKey) -> EngineEntry | None:
        """The engine of a key, its plan unread; None if there is none that can be read."""
        sidecar = self._path(key.digest, "json")
        if not sidecar.exists():
            return None
        try:
            entry = read_entry(sidecar)
            if entry.key != key.to_json():
                raise BrokenEntryError("it is another key's")
            if entry.plan.stat().st_size != entry.size_bytes:
                raise BrokenEntryError("its plan has another size than its sidecar says")
        except (BrokenEntryError, OSError) as error:
            log.warning("engine %s is not used: %s", key.digest, error)
            return None
        return entry

    def find_like(self, key: EngineKey, *free: str) -> list[EngineEntry]:
        """Other engines that are this key's but for the parts named, the last used first."""
        return [
            entry
            for entry in self.entries()
            if entry.digest != key.digest and key.differs_only_in(free, entry.key)
        ]

    def load(self, entry: EngineEntry) -> bytes | None:
        """An entry's plan, and mark it as used; None (with a warning) if it is broken."""
        try:
            plan = entry.read_plan()
        except BrokenEntryError as error:
            log.warning("engine %s is not used: %s", entry.digest, error)
            return None
        with contextlib.suppress(OSError):
            os.utime(entry.plan.with_suffix(".json"))
        return plan

    def obtain(
        self,
        key: EngineKey,
        build: Callable[[], tuple[bytes, Mapping[str, Any]]],
        *,
        rebuild: bool = False,
        accept: Callable[[EngineEntry], bool] = lambda entry: True,
        on_wait: Callable[[], None] | None = None,
    ) -> tuple[EngineEntry, bytes]:
        """The engine of a key and its plan: from the cache, else built once, by one process.

        ``build`` gives the plan and the rest of its sidecar (``built``, ``evidence``); while one
        process builds, others wait and take what it built. ``rebuild`` builds anew in any case,
        ``accept`` says of one that is there whether it will do.
        """
        self.check_writable()
        with hold_lock(self._path(key.digest, "lock"), wait_s=LONGEST_BUILD_S, on_wait=on_wait):
            entry = None if rebuild else self.find(key)
            plan = self.load(entry) if entry is not None and accept(entry) else None
            if entry is None or plan is None:
                plan, record = build()
                entry = self._store(key, plan, record)
            return entry, plan

    def entries(self) -> list[EngineEntry]:
        """Every engine whose sidecar can be read, the most recently used first."""
        found = []
        for sidecar in self._paths():
            if sidecar.suffix != ".json":
                continue
            with contextlib.suppress(BrokenEntryError, OSError):
                found.append((sidecar.stat().st_mtime, read_entry(sidecar)))
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def holdings(self) -> list[Holding]:
        """Everything that takes room: engines, what a crash left, what others compiled."""
        known = {entry.digest for entry in self.entries()}
        names = (_ENGINE_FILE.fullmatch(path.name) for path in self._paths())
        stems = sorted({name["digest"] for name in names if name})
        found = [self._holding(stem, "engine" if stem in known else "left over") for stem in stems]
        others = provider_holdings(self.provider_root)
        return [*found, *others, *compiled_holdings(self.compiled_root)]

    def provider_folder(self, key: str) -> Path:
        """A folder for ONNX Runtime's TensorRT provider, made and marked as used just now."""
        folder = self.provider_root / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)
        except OSError as error:
            raise MgcaError(
                f"the engine cache {folder} cannot be written ({error.strerror}); "
                "set MGCA_CACHE to a folder that can"
            ) from None
        return folder

    def make_room(self, keep: str) -> None:
        """Remove what the limit says is too much, but not what is called ``keep``."""
        evict(self.holdings(), self.limit_bytes, keep)

    def clear(self) -> tuple[list[Holding], list[Holding]]:
        """Remove everything that no process is building; gives what went, and what stayed."""
        gone: list[Holding] = []
        kept: list[Holding] = []
        for holding in self.holdings():
            (gone if holding.remove() else kept).append(holding)
        return gone, kept

    def check_writable(self) -> None:
        """Raise :class:`MgcaError` unless an engine can be kept here."""
        probe = self.folder / f".{secrets.token_hex(4)}.partial"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise MgcaError(
                f"the engine cache {self.folder} cannot be written ({error.strerror}); "
                "set MGCA_CACHE to a folder that can"
            ) from None

    def _store(self, key: EngineKey, plan: bytes, record: Mapping[str, Any]) -> EngineEntry:
        described = {
            "format": FORMAT,
            "key": key.to_json(),
            "plan": describe_plan(plan),
            "built": {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        }
        described["built"] |= record.get("built", {})
        described |= {name: value for name, value in record.items() if name != "built"}
        for left in self._unfinished(key.digest):
            left.unlink(missing_ok=True)  # of a build that was killed: we hold its lock
        self._write(key.digest, "plan", plan)
        self._write(key.digest, "json", json_text(described).encode())
        self.make_room(keep=key.digest)
        return read_entry(self._path(key.digest, "json"))

    def _write(self, digest: str, suffix: str, content: bytes) -> None:
        try:
            write_whole(self._path(digest, suffix), content, synced=True)
        except OSError as error:
            raise MgcaError(
                f"engine {digest} ({len(content) >> 20} MiB) cannot be written to {self.folder} "
                f"({error.strerror}); make room, or set MGCA_CACHE to another folder"
            ) from None

    def _holding(self, digest: str, kind: Kind) -> Holding:
        files = self._files(digest)
        # An engine's last use is its sidecar's time; of a left-over, the last write of any file.
        marks = [self._path(digest, "json")] if kind == "engine" else files
        return Holding(
            name=digest,
            kind=kind,
            size_bytes=sum(size_of(path) for path in files if path.suffix != ".json"),
            used_at=max((time_of(path) for path in marks), default=0.0),
            remove=partial(self._remove, digest),
        )

    def _files(self, digest: str) -> list[Path]:
        # The sidecar first: a plan without one is nothing, the other way round is broken.
        return [
            self._path(digest, "json"),
            self._path(digest, "plan"),
            *self._unfinished(digest),
        ]

    def _unfinished(self, digest: str) -> Iterator[Path]:
        """What a killed build has left: ``.part``, or ``.partial`` of earlier versions."""
        return self.folder.glob(f".{digest}.*.part*")

    def _remove(self, digest: str) -> bool:
        """Remove an engine's files; False if it is being built, or cannot be removed."""
        try:
            with hold_lock(self._path(digest, "lock"), wait_s=0):
                for path in self._files(digest):
                    path.unlink(missing_ok=True)
                return True
        except (LockedError, OSError):
            return False

    def _paths(self) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            yield from sorted(self.folder.iterdir())

    def _path(self, digest: str, suffix: str) -> Path:
        return self.folder / f"{digest}.{suffix}"


def parse_size(text: str) -> int:
    """``2G`` -> bytes; :class:`UserError` for what is no size.

    >>> parse_size("1.5G"), parse_size("300M"), parse_size("0")
    (1610612736, 314572800, 0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise UserError(f"MGCA_CACHE_LIMIT is {text!r}; expected a size such as 2G or 500M")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))
