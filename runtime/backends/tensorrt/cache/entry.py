"""One engine of the cache: a pure plan, and a JSON sidecar that says what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1

__all__ = ["FORMAT", "BrokenEntryError", "EngineEntry", "describe_plan", "read_entry"]


class BrokenEntryError(Exception):
    """An entry that must not be used; the text says why."""


@dataclass(frozen=True)
class EngineEntry:
    """A sidecar that could be read, and its plan's path.

    ``record``: ``key`` (what it was built from), ``plan`` (bytes, sha256), ``built`` (when, how
    long, with which options) and ``evidence`` (what was checked after building).
    """

    plan: Path
    record: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Name of its files, without suffix."""
        return self.plan.stem

    @property
    def size_bytes(self) -> int:
        """Size of the plan, as the sidecar says."""
        return int(self.record["plan"]["bytes"])

    @property
    def key(self) -> Mapping[str, Any]:
        """What it was built from, as :meth:`.key.EngineKey.to_json` gives it."""
        return self.record["key"]

    @property
    def built(self) -> Mapping[str, Any]:
        """When, how long, with which options."""
        return self.record["built"]

    def read_plan(self) -> bytes:
        """The plan's bytes; :class:`BrokenEntryError` unless size and sha256 are the sidecar's."""
        try:
            plan = self.plan.read_bytes()
        except OSError as error:
            raise BrokenEntryError(f"its plan cannot be read ({error.strerror})") from None
        if describe_plan(plan) != self.record["plan"]:
            raise BrokenEntryError("its plan is not the one that its sidecar describes")
        return plan


def describe_plan(plan: bytes) -> dict[str, Any]:
    """What a sidecar says of its plan."""
    return {"bytes": len(plan), "sha256": hashlib.sha256(plan).hexdigest()}


def read_entry(sidecar: Path) -> EngineEntry:
    """The entry that a sidecar describes; :class:`BrokenEntryError` if it does not."""
    try:
        record = json.loads(sidecar.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BrokenEntryError(f"its sidecar cannot be read ({error})") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise BrokenEntryError(f"its sidecar is not of format {FORMAT}")
    plan = record.get("plan")
    if (
        not isinstance(plan, dict)
        or not isinstance(plan.get("bytes"), int)
        or not isinstance(plan.get("sha256"), str)
        or not isinstance(record.get("key"), dict)
        or not isinstance(record.get("built"), dict)
    ):
        raise BrokenEntryError("its sidecar lacks key, plan or built")
    return EngineEntry(sidecar.with_suffix(".plan"), record)
