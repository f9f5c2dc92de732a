"""Several streams in one run: their names, and a session config of one stream for each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from runtime.cli.config import (
    OutputsConfig,
    SessionConfig,
    SourcesConfig,
    StreamConfig,
    check_config,
    merge_config,
)
from runtime.errors import UserError
from runtime.options import flag_of
from runtime.redaction import redact
from runtime.sinks.registry import registered_sinks

#: What stands for the stream's name in an output's path.
NAME_FIELD = "{name}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

__all__ = ["NAME_FIELD", "check_streams", "default_name", "each_stream", "read_sources"]


def default_name(position: int) -> str:
    """What the stream at a position, from 0, is called unless it is named: ``cam0``."""
    return f"cam{position}"


def read_sources(
    given: Sequence[tuple[str, Any]], named: Iterable[str]
) -> dict[str, Any] | tuple[StreamConfig, ...]:
    """What the source flags and ``--name`` ask for.

    Args:
        given: pairs of a field's name and value, in the order of the flags.
        named: ``NAME=SOURCE`` texts. One whose source is among those given names it; any other
            adds its source.

    Returns:
        The values of the one source without a name, else a config of each stream.

    Raises:
        UserError: a name is no name, or two streams have it.
    """
    sources: list[tuple[str | None, str, Any]] = [(None, *one) for one in given]
    for text in named:
        name, separator, source = text.partition("=")
        if not separator or not source:
            raise UserError(
                f"--name {redact(text)}: expected a name and its source, "
                "such as --name door=rtsp://host/stream"
            )
        at = next((i for i, one in enumerate(sources) if one[0] is None and one[2] == source), None)
        if at is None:
            kind, value = guess_kind(source)
            sources.append((name, kind, value))
        else:
            sources[at] = (name, *sources[at][1:])
    if len(sources) == 1 and sources[0][0] is None:
        return {sources[0][1]: sources[0][2]}
    return tuple(
        StreamConfig(default_name(position) if name is None else name, ((kind, value),))
        for position, (name, kind, value) in enumerate(sources)
    )


def guess_kind(source: str) -> tuple[str, Any]:
    """The field, and its value, of a source that is given without its flag.

    >>> guess_kind("0"), guess_kind("rtsp://host/live"), guess_kind("frames/*.png")
    (('camera', '0'), ('video', 'rtsp://host/live'), ('images', ('frames/*.png',)))
    """
    if source.isdecimal() or source.startswith("/dev/"):
        return "camera", source
    pattern = any(sign in source for sign in "*?[") and "://" not in source
    if os.path.isdir(source) or (pattern and not os.path.exists(source)):
        return "images", (source,)
    return "video", source


def check_streams(config: SessionConfig) -> None:
    """Refuse what cannot go together, in each stream; raises ``UserError`` that names it."""
    _check_ends(config)
    if not config.streams:
        check_config(config)
        return
    if any(getattr(config.sources, name) for name in SourcesConfig.ALTERNATIVES):
        raise UserError(
            "[sources] holds a source and there are [[stream]] tables as well; give that source a "
            "[[stream]] of its own"
        )
    names = [stream.name for stream in config.streams]
    for name in names:
        if not _NAME.fullmatch(name):
            raise UserError(
                f"--name {redact(name)} is no name of a stream; expected letters, digits, dots, "
                "hyphens and underscores"
            )
        if names.count(name) > 1:
            raise UserError(f"two streams are called {name}; give each its own --name")
    for name, one in each_stream(config):
        if not any(getattr(one.sources, kind) for kind in SourcesConfig.ALTERNATIVES):
            kinds = ", ".join(kind.replace("_", "-") for kind in SourcesConfig.ALTERNATIVES)
            raise UserError(f"stream {name} has no source; give it one of {kinds}")
        try:
            check_config(one)
        except UserError as error:
            raise UserError(f"stream {name}: {error}") from None


def _check_ends(config: SessionConfig) -> None:
    """Refuse ``--loop`` where nothing has an end, and stdin where two would read it."""
    sources = [one.sources for _, one in each_stream(config)]
    flags = [flag_of(kind) for one in sources for kind in one.ALTERNATIVES if getattr(one, kind)]
    if flags and any(one.loop for one in sources):
        if not any(one.loop and (one.video or one.images) for one in sources):
            raise UserError(
                f"--loop is for --video FILE and --images; {flags[0]} has no end to loop at"
            )
    if sum(one.stdin is not None for one in sources) > 1:
        raise UserError("two streams would read stdin; give --stdin to one of them")


def each_stream(config: SessionConfig) -> list[tuple[str, SessionConfig]]:
    """A name and a config of one stream for each stream, ``{name}`` filled in in its outputs."""
    if not config.streams:
        return [(default_name(0), _named(config, default_name(0)))]
    return [
        (stream.name, _named(merge_config(config, dict(stream.values)), stream.name))
        for stream in config.streams
    ]


def _named(config: SessionConfig, name: str) -> SessionConfig:
    """``config`` with the name in the paths of the outputs that each stream has for itself."""
    of_session = {sink.Options for sink in registered_sinks() if sink.of_session}
    outputs = tuple(
        one if type(one) in of_session else _filled(one, name) for one in config.outputs.sinks
    )
    return replace(config, outputs=OutputsConfig(outputs))


def _filled(options: Any, name: str) -> Any:
    """A dataclass of options with ``{name}`` filled in in every text."""
    texts = {
        one.name: value.replace(NAME_FIELD, name)
        for one in fields(options)
        if isinstance(value := getattr(options, one.name), str) and NAME_FIELD in value
    }
    return replace(options, **texts) if texts else options
