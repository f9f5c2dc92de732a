"""The committed API of the real bindings, asked by the fake and by the contract test."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "bindings"
FULL = ("tensorrt-10.3", "tensorrt-11.4")
LEAN = ("tensorrt-lean-10.3", "tensorrt-lean-11.4")
CUDA = ("cuda-bindings-12.8", "cuda-bindings-13.5")


class NotInApiError(AttributeError):
    """Something that the real binding of that version does not have."""


@dataclass
class ApiSurface:
    """One binding's classes, enums, methods and functions; remembers what was asked of it."""

    name: str
    classes: dict[str, Any]
    functions: dict[str, list[str]]
    version: str
    used: set[tuple[str, str]] = field(default_factory=set)

    def member(self, kind: str, name: str) -> tuple[str, Any]:
        """``("property", "r" or "rw")``, ``("method", signatures)`` or ``("class", ...)``."""
        if kind not in self.classes:
            raise NotInApiError(f"{self.name} has no class {kind}")
        for owner in (kind, *self.classes[kind].get("bases", ())):
            entry = self.classes.get(owner, {})
            for what, group in (
                ("property", "properties"),
                ("method", "methods"),
                ("class", "classes"),
                ("member", "enum"),
            ):
                if name in entry.get(group, {}):
                    self.used.add((owner, name))
                    return what, entry[group][name]
        raise NotInApiError(f"{self.name}: {kind} has no {name}")

    def check_call(self, kind: str | None, name: str, count: int, keywords: set[str]) -> None:
        """Raise unless some overload takes ``count`` positional arguments and these keywords."""
        if kind is None:
            if name not in self.functions:
                raise NotInApiError(f"{self.name} has no function {name}")
            self.used.add(("", name))
            signatures = self.functions[name]
        else:
            what, signatures = self.member(kind, name)
            if what != "method":
                raise NotInApiError(f"{self.name}: {kind}.{name} is a {what}, not a method")
        where = f"{self.name}: {kind + '.' if kind else ''}{name}"
        if not signatures:
            raise NotInApiError(f"{where} tells no signature")
        if not any(_takes(signature.split(), count, keywords) for signature in signatures):
            raise NotInApiError(
                f"{where} takes none of {count} arguments and keywords {sorted(keywords)}: "
                f"{signatures}"
            )

    def enum(self, kind: str) -> type[enum.IntEnum]:
        """A class of the binding as an enum with the same names and values."""
        return _enum(kind, tuple(self.classes[kind]["enum"].items()))


def read_surface(name: str) -> ApiSurface:
    """A committed surface by its file's stem."""
    record = json.loads((FOLDER / f"{name}.json").read_text())
    return ApiSurface(name, record["classes"], record["functions"], record["version"])


@lru_cache
def _enum(kind: str, members: tuple[tuple[str, int], ...]) -> type[enum.IntEnum]:
    return enum.IntEnum(kind, dict(members))  # type: ignore[return-value]


def _takes(signature: list[str], count: int, keywords: set[str]) -> bool:
    names = [name.rstrip("=") for name in signature]
    needed = {name for name in names[count:] if f"{name}=" not in signature}
    return count <= len(names) and keywords <= set(names[count:]) and needed <= keywords
