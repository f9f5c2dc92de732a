"""Configurations as plain values: to JSON types and back, and single fields changed from outside.

A JSON file (a run's own ``config.json`` is one) becomes a configuration, then ``--set key=value``
changes single fields by dotted name (``--set losses.pixel_weight=0``).
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from runtime.errors import UserError
from training.config.schema import TrainConfig


def to_dict(config: TrainConfig) -> dict[str, Any]:
    """A configuration as plain JSON types."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_dict(values: dict[str, Any]) -> TrainConfig:
    """A configuration from :func:`to_dict`'s form; fields left out keep their defaults.

    Raises:
        UserError: an unknown field or a value of the wrong type.
    """
    return _build(TrainConfig, values, "")


def read_config_file(path: Path) -> TrainConfig:
    """Read a JSON configuration file.

    Raises:
        UserError: not there, not JSON, or not a configuration.
    """
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(
            f"config file '{path}' does not exist; expected a preset's name or a JSON file"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"config file '{path}' is not JSON ({error}); expected a run's config.json"
        ) from error
    if not isinstance(values, dict):
        raise UserError(
            f"config file '{path}' holds a {type(values).__name__}; expected a JSON object"
        )
    return from_dict(values)


def apply_override(config: TrainConfig, assignment: str) -> TrainConfig:
    """Change one field: ``losses.pixel_weight=0``.

    Raises:
        UserError: no '=', an unknown field (the nearest is named) or a value of the wrong type.
    """
    key, separator, text = assignment.partition("=")
    if not separator:
        raise UserError(f"--set {assignment}: expected key=value, e.g. --set mgca.steps=500")
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None if text in ("None", "none") else text
    values: Any = {}
    for part in reversed(key.split(".")):
        values = {part: value} if not values else {part: values}
    return _build(type(config), _merge(to_dict(config), values, ""), "")


def _merge(base: dict[str, Any], change: dict[str, Any], where: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        if key not in base:
            raise _unknown_field(where + key, list(base))
        inner = base[key]
        merged[key] = (
            _merge(inner, value, f"{where}{key}.")
            if isinstance(inner, dict) and isinstance(value, dict)
            else value
        )
    return merged


def _unknown_field(name: str, known: list[str]) -> UserError:
    import difflib

    near = difflib.get_close_matches(name.split(".")[-1], known, 1, 0.0)
    return UserError(
        f"config field '{name}' is unknown; the nearest is '{near[0]}'; all: {', '.join(known)}"
    )


def _build(cls: type, values: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls)]
    arguments = {}
    for key, value in values.items():
        if key not in names:
            raise _unknown_field(where + key, names)
        arguments[key] = _convert(hints[key], value, where + key)
    try:
        return cls(**arguments)
    except ValueError as error:
        raise UserError(f"config: {error}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    """Check a JSON value against a field's type; JSON lists become tuples."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise UserError(
                f"config field '{where}' is {value!r}; expected an object with its own fields"
            )
        return _build(typing.cast(type, hint), value, where + ".")
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [option for option in typing.get_args(hint) if option is not type(None)]
        return None if value is None else _convert(inner[0], value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)) or len(value) != len(typing.get_args(hint)):
            raise UserError(
                f"config field '{where}' is {value!r}; expected {len(typing.get_args(hint))} "
                "numbers"
            )
        return tuple(
            _convert(part, item, where)
            for part, item in zip(typing.get_args(hint), value, strict=True)
        )
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise UserError(f"config field '{where}' is {value!r}; expected {hint.__name__}")
    return value
