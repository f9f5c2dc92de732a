"""One line of the report: something that is here, missing, or broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from runtime.command import say_as_flags
from runtime.redaction import redact

State = Literal["ok", "missing", "broken"]
#: Longer texts are torn from a library's pages of explanation.
LONGEST = 400

__all__ = ["Finding", "State", "broken", "missing", "ok", "read_finding"]


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        name: what was looked at, such as ``CPUExecutionProvider``; unique in its section.
        state: ``ok``; ``missing``, which is no fault; ``broken``, here but it does not work.
        detail: one line: what it is, or why it is missing or broken.
        remedy: one line with what to install or do; None where nothing can or need be done.
        values: the same for machines, in plain values; keys of one name never change meaning.
    """

    name: str
    state: State
    detail: str
    remedy: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """The finding as plain values."""
        return asdict(self)


def ok(name: str, detail: str, remedy: str | None = None, /, **values: Any) -> Finding:
    """Something that is here and works."""
    return Finding(name, "ok", detail, remedy, values)


def missing(name: str, detail: str, remedy: str | None = None, /, **values: Any) -> Finding:
    """Something that is not here."""
    return Finding(name, "missing", detail, remedy, values)


def broken(name: str, detail: str, remedy: str | None = None, /, **values: Any) -> Finding:
    """Something that is here and does not work."""
    return Finding(name, "broken", detail, remedy, values)


def read_finding(record: Mapping[str, Any]) -> Finding:
    """A finding that comes from a child, without secrets and without the user's home folder.

    Texts are one line each, and name flags where the library names its parameters.
    """
    clean = {key: _clean(value) for key, value in record.items()}
    return Finding(**clean)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        text = " ".join(say_as_flags(redact(_without_home(value))).split())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value


def _without_home(text: str) -> str:
    home = str(Path.home())
    return text.replace(f"{home}/", "~/") if len(home) > 1 else text
