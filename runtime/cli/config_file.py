"""A session config as a TOML file: tables ``sources``, ``words``, ``outputs`` and ``running``.

The keys are the flags without their hyphens in front. :func:`write_config` and
:func:`read_config` are each other's inverse.
"""

from __future__ import annotations

import difflib
import json
import sys
from typing import Any

from runtime.cli.config import SessionConfig
from runtime.errors import UserError
from runtime.options import Option, key_of, options_of
from runtime.redaction import redact

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: No configuration is longer; a device or an endless pipe is.
LARGEST_BYTES = 1 << 20
_SECRETS_LEFT_OUT = (
    "secrets are left out (***): write them in, or '${NAME}' to read an environment variable"
)

__all__ = ["read_config", "write_config"]


def read_config(path: str) -> dict[str, Any]:
    """The values that a file sets, by field name.

    Raises:
        UserError: the file cannot be read, is not TOML, or holds a table, key or value that is
            not known; the message names the key, what was expected, and the nearest key.
    """
    tables = _keys_of_tables()
    table_of = {key: table for table, keys in tables.items() for key in keys}
    values: dict[str, Any] = {}
    for table, content in _load(path).items():
        if table not in tables:
            raise UserError(f"--config {path}: {_describe_table(table, tables, table_of)}")
        if not isinstance(content, dict):
            raise UserError(f"--config {path}: {table} should be a table; write [{table}] above it")
        for key, value in content.items():
            if key not in tables[table]:
                hint = _describe_key(key, table, tables, table_of)
                raise UserError(f"--config {path}: [{table}] {key} is not a key; {hint}")
            name, option = tables[table][key]
            try:
                values[name] = option.from_file(value)
            except ValueError as error:
                raise UserError(f"--config {path}: [{table}] {key}: {error}") from None
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
                value, key = getattr(part, field.name), key_of(field.name)
                if value is None:
                    lines.append(f"# {key} is not set")
                    continue
                entry = option.to_file(value)
                shown = entry if with_secrets else _without_secrets(entry)
                if shown != entry:
                    lines.append(f"# {_SECRETS_LEFT_OUT}")
                lines.append(f"{key} = {_to_toml(key, shown)}")
    return "\n".join(lines) + "\n"


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


def _keys_of_tables() -> dict[str, dict[str, tuple[str, Option]]]:
    """For each table, its keys with the field's name and option."""
    return {
        table: {
            key_of(field.name): (field.name, option)
            for part in parts
            for field, option in options_of(part)
        }
        for table, parts in SessionConfig().parts().items()
    }


def _describe_table(name: str, tables: dict[str, Any], table_of: dict[str, str]) -> str:
    if name in table_of:
        return f"{name} stands outside its table; write it under [{table_of[name]}]"
    nearest = difflib.get_close_matches(name, [*tables, *table_of], n=1, cutoff=0.5)
    known = ", ".join(f"[{table}]" for table in tables)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{name} is not a table; expected {known}{hint}"


def _describe_key(
    key: str, table: str, tables: dict[str, dict[str, Any]], table_of: dict[str, str]
) -> str:
    if key in table_of:
        return f"it belongs under [{table_of[key]}]"
    expected = f"expected one of {', '.join(tables[table])}"
    nearest = difflib.get_close_matches(key, tables[table], n=1, cutoff=0.5)
    nearest = nearest or difflib.get_close_matches(key, table_of, n=1, cutoff=0.5)
    if not nearest:
        return expected
    place = "" if nearest[0] in tables[table] else f" of [{table_of[nearest[0]]}]"
    return f"{expected}; did you mean {nearest[0]}{place}?"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(one) for one in value]
    addressed = isinstance(value, str) and ("://" in value or "@" in value)
    return redact(value) if addressed else value


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
