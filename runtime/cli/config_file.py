"""A session config as a TOML file: tables ``sources``, ``words``, ``outputs`` and ``running``, and
a ``[[stream]]`` for each of several streams, with what it has of its own.

The keys are the flags without their hyphens in front. :func:`write_config` and
:func:`read_config` are each other's inverse.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

from runtime.cli.config import SessionConfig, StreamConfig
from runtime.cli.streams import default_name
from runtime.errors import UserError
from runtime.options import Option, key_of, options_of
from runtime.redaction import MASK, is_pipeline, redact, redact_pipeline

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: No configuration is longer; a device or an endless pipe is.
LARGEST_BYTES = 1 << 20
_SECRETS_LEFT_OUT = (
    "secrets are left out (***): write them in, or '${NAME}' to read an environment variable"
)

STREAM_TABLE = "stream"

#: For each key, the field's name and option.
Keys = dict[str, tuple[str, Option]]

__all__ = ["FileConfig", "read_config", "write_config"]


@dataclass(frozen=True)
class FileConfig:
    """What a file sets: ``values`` by field name, for all streams, and the ``streams``."""

    values: dict[str, Any]
    streams: tuple[StreamConfig, ...]


def read_config(path: str) -> FileConfig:
    """What a file sets.

    Raises:
        UserError: the file cannot be read, is not TOML, or holds a table, key or value that is
            not known; the message names the key, what was expected, and the nearest key.
    """
    tables = _keys_of_tables()
    content = _load(path)
    listed = content.pop(STREAM_TABLE, [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UserError(f"--config {path}: write [[stream]] above each stream, in two brackets")
    values: dict[str, Any] = {}
    for table, entries in content.items():
        if table not in tables:
            raise UserError(f"--config {path}: {_describe_table(table, tables)}")
        if not isinstance(entries, dict):
            raise UserError(f"--config {path}: {table} should be a table; write [{table}] above it")
        values |= _read_table(f"--config {path}: [{table}]", entries, table, tables)
    streams = [
        _read_stream(f"--config {path}: [[stream]] {number + 1}", number, entries, tables)
        for number, entries in enumerate(listed)
    ]
    return FileConfig(values, tuple(streams))


def _read_stream(
    place: str, number: int, entries: dict[str, Any], tables: dict[str, Keys]
) -> StreamConfig:
    name = entries.pop("name", default_name(number))
    if not isinstance(name, str):
        raise UserError(f"{place} name: expected a text, not {name!r}")
    own = {
        key: what for table in tables if table != "running" for key, what in tables[table].items()
    }
    values = _read_table(place, entries, STREAM_TABLE, {**tables, STREAM_TABLE: own})
    return StreamConfig(name, tuple(values.items()))


def _read_table(
    place: str, entries: dict[str, Any], table: str, tables: dict[str, Keys]
) -> dict[str, Any]:
    """The values of one table by field name; ``place`` begins a message of what is wrong."""
    values: dict[str, Any] = {}
    for key, value in entries.items():
        if key not in tables[table]:
            raise UserError(f"{place} {key} is not a key; {_describe_key(key, table, tables)}")
        name, option = tables[table][key]
        try:
            values[name] = option.from_file(value)
        except ValueError as error:
            raise UserError(f"{place} {key}: {error}") from None
    return values


def write_config(config: SessionConfig, with_secrets: bool = True) -> str:
    """The text of a file that sets what ``config`` holds; keys that are not set are remarks.

    Without ``with_secrets``, those of addresses are masked, and a remark says so.

    Raises:
        UserError: a value holds bytes that no TOML file can hold.
    """
    lines = ["# For mgca-rt --config FILE; flags given beside it win."]
    for table, parts in config.parts().items():
        lines += ["", f"[{table}]"]
        for part in parts:
            for field, option in options_of(part):
                lines += _write_entry(field.name, getattr(part, field.name), option, with_secrets)
    options = {
        name: option for keys in _keys_of_tables().values() for name, option in keys.values()
    }
    for stream in config.streams:
        lines += ["", f"[[{STREAM_TABLE}]]", f"name = {_to_toml('name', stream.name)}"]
        for name, value in stream.values:
            lines += _write_entry(name, value, options[name], with_secrets)
    return "\n".join(lines) + "\n"


def _write_entry(name: str, value: Any, option: Option, with_secrets: bool) -> list[str]:
    """The lines of one key."""
    key = key_of(name)
    if value is None:
        return [f"# {key} is not set"]
    entry = option.to_file(value)
    shown = entry if with_secrets else _without_secrets(entry, option.secret)
    remark = [f"# {_SECRETS_LEFT_OUT}"] if shown != entry else []
    return [*remark, f"{key} = {_to_toml(key, shown)}"]


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise UserError(f"--config {path} is longer than 1 MiB; expected a short TOML file")
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise UserError(
            f"--config {path} cannot be read ({error.strerror}); give a TOML file, such as "
            "mgca-rt --print-config writes"
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"--config {path} is not UTF-8 text; expected a TOML file") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"--config {path} is not TOML: {error}") from None


def _keys_of_tables() -> dict[str, Keys]:
    """For each table, its keys with the field's name and option."""
    return {
        table: {
            key_of(field.name): (field.name, option)
            for part in parts
            for field, option in options_of(part)
        }
        for table, parts in SessionConfig().parts().items()
    }


def _describe_table(name: str, tables: dict[str, Keys]) -> str:
    table_of = {key: table for table, keys in tables.items() for key in keys}
    if name in table_of:
        return f"{name} stands outside its table; write it under [{table_of[name]}]"
    nearest = difflib.get_close_matches(name, [*tables, STREAM_TABLE, *table_of], n=1, cutoff=0.5)
    known = ", ".join(f"[{table}]" for table in tables)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{name} is not a table; expected {known} or [[{STREAM_TABLE}]]{hint}"


def _describe_key(key: str, table: str, tables: dict[str, Keys]) -> str:
    """What to do about a key that a table does not have."""
    table_of = {
        name: other for other, keys in tables.items() if other != STREAM_TABLE for name in keys
    }
    if key in table_of:
        return f"it belongs under [{table_of[key]}]"
    expected = f"expected one of {', '.join(tables[table])}"
    nearest = difflib.get_close_matches(key, tables[table], n=1, cutoff=0.5)
    nearest = nearest or difflib.get_close_matches(key, table_of, n=1, cutoff=0.5)
    if not nearest:
        return expected
    place = "" if nearest[0] in tables[table] else f" of [{table_of[nearest[0]]}]"
    return f"{expected}; did you mean {nearest[0]}{place}?"


def _without_secrets(value: Any, secret: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_secrets(one, secret) for one in value]
    if secret:
        return value if re.fullmatch(r"\$\{\w+\}", str(value)) else MASK
    if not isinstance(value, str):
        return value
    if is_pipeline(value):
        return redact_pipeline(value)
    # A login that only names variables is none.
    bare = re.sub(r"(?<=://)\$\{\w+\}(:\$\{\w+\})?@", "", value)
    if "://" not in bare and "@" not in bare:
        return value
    shown = redact(bare)
    return value if shown == bare else redact(value)


def _to_toml(key: str, value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_to_toml(key, one) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(
            f"--{key} {value!a} is not readable text, which a TOML file must be; give the flag "
            "beside the file"
        ) from None
    # JSON's escapes are TOML's, but TOML wants DEL escaped as well.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
