"""Configurations as plain values: to JSON types and back, and single fields changed from outside.

A JSON file (a run's own ``config.json`` is one) becomes a configuration, then ``--set key=value``
changes single fields by dotted name (``--set losses.pixel_weight=0``).
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runtime.errors import UserError
from training.config.legacy import dropped_otherwise, explain_old_name, modernise
from training.config.run import Leg, TrainConfig


def to_dict(config: TrainConfig) -> dict[str, Any]:
    """A configuration as plain JSON types."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_dict(values: dict[str, Any]) -> TrainConfig:
    """A configuration from :func:`to_dict`'s form, an older version's too; fields left out keep
    their defaults.

    Raises:
        UserError: an unknown field or a value of the wrong type.
    """
    return _build(TrainConfig, modernise(values), "")


def read_config_file(path: Path) -> TrainConfig:
    """Read a JSON configuration file.

    Raises:
        UserError: not there, not JSON, not a configuration, or one that sets what can no more be
            set.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"config file '{path}' cannot be read ({error.strerror}); expected a recipe's name or "
            "a JSON file"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"config file '{path}' is not JSON ({error}); expected a run's config.json"
        ) from error
    if not isinstance(values, dict):
        raise UserError(
            f"config file '{path}' holds a {type(values).__name__}; expected a JSON object"
        )
    otherwise = dropped_otherwise(values)
    if otherwise:
        raise UserError(f"config file '{path}': {otherwise[0]}; take it out of the file")
    return from_dict(values)


def apply_override(config: TrainConfig, assignment: str) -> TrainConfig:
    """:func:`apply_overrides` of one."""
    return apply_overrides(config, [assignment])


def apply_overrides(config: TrainConfig, assignments: Sequence[str]) -> TrainConfig:
    """Change fields: ``losses.pixel_weight=0`` for all legs, ``legs.singles.pretrain.steps=9`` for
    one. They are checked together, so their order does not matter.

    Raises:
        UserError: no '=', an unknown field (the nearest is named), an old name (the new one is
            named) or a value of the wrong type.
    """
    everywhere: dict[str, Any] = {}
    in_one: dict[str, Any] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"--set {assignment}: expected key=value, e.g. --set mgca.steps=500")
        (in_one if key.startswith("legs.") else everywhere)[key] = _read_value(text)
    # What is set for the whole run must not be changed back by a leg.
    legs = tuple(
        dataclasses.replace(
            leg, changes={k: v for k, v in leg.changes.items() if k not in everywhere}
        )
        for leg in config.legs
    )
    config = apply_changes(dataclasses.replace(config, legs=legs), everywhere)
    for key, value in in_one.items():
        config = _change_leg(config, key, value)
    return config


def apply_changes(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """Give fields, by dotted name, other values.

    Raises:
        UserError: as :func:`apply_overrides`.
    """
    merged = to_dict(config)
    for path, value in changes.items():
        explained = explain_old_name(path, value)
        if explained:
            raise UserError(f"config field {explained}")
        _put(merged, path, value)
    return _build(TrainConfig, merged, "")


def _read_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None if text in ("None", "none") else text


def _change_leg(config: TrainConfig, key: str, value: Any) -> TrainConfig:
    _, name, *path = key.split(".", 2)
    names = [leg.name for leg in config.legs]
    if name not in names or not path:
        raise UserError(
            f"--set {key}: expected legs.NAME.KEY=VALUE with one of the legs {', '.join(names)}"
        )
    changed: list[Leg] = [
        dataclasses.replace(leg, changes={**leg.changes, path[0]: value})
        if leg.name == name
        else leg
        for leg in config.legs
    ]
    return dataclasses.replace(config, legs=tuple(changed))


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    """Replace a value in nested dictionaries, in place."""
    *sections, last = path.split(".")
    where = ""
    for section in sections:
        inner = _known_field(values, section, where)
        if not isinstance(inner, dict):
            raise UserError(f"config field '{where}{section}' has no fields; '{path}' is unknown")
        values, where = inner, f"{where}{section}."
    old = _known_field(values, last, where)
    values[last] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value


def _known_field(values: dict[str, Any], key: str, where: str) -> Any:
    if key not in values:
        raise _unknown_field(where + key, list(values))
    return values[key]


def _unknown_field(name: str, known: list[str]) -> UserError:
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
    except (TypeError, ValueError) as error:
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
        return _convert_items(typing.get_args(hint), value, where)
    expected = origin or hint
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (hint is int and isinstance(value, bool)):
        raise UserError(f"config field '{where}' is {value!r}; expected {expected.__name__}")
    return value


def _convert_items(hints: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """A list as a tuple: of so many parts, or (``tuple[X, ...]``) of any number."""
    if not isinstance(value, list | tuple):
        raise UserError(f"config field '{where}' is {value!r}; expected a list")
    if hints[-1] is Ellipsis:
        return tuple(_convert(hints[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    if len(value) != len(hints):
        raise UserError(f"config field '{where}' is {value!r}; expected {len(hints)} numbers")
    return tuple(_convert(part, item, where) for part, item in zip(hints, value, strict=True))
