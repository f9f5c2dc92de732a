"""A protocol as a setting of the runtime: fields of a session config, flags of ``mgca-rt``.

The windows' size is the bundle's, which has to be exported with ``--size CROPxCROP``. Words are
taken as they are, and published work has no units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.cli.config import SessionConfig, merge_config
from runtime.options import flag_of, options_of
from runtime.text.classes import NONE_LABEL

if TYPE_CHECKING:
    from benchmarks.protocols.protocol import Protocol


def values_of(protocol: Protocol) -> dict[str, Any]:
    """Fields of the session config, by name, that the protocol sets."""
    behind = protocol.words[0] if protocol.has_background else ()
    things = protocol.words[1:] if protocol.has_background else protocol.words
    constant = protocol.constant_background
    where_set = {
        "logit_scale": protocol.scale,
        "background_threshold": protocol.threshold if constant is None else constant,
        "background_probability": None if constant is None else "sigmoid",
        "least_area": protocol.least_area,
    }
    return {
        "short_side": protocol.short_side,
        "stride": protocol.stride,
        "classes": ",".join(map(_entry, things)),
        "background": ",".join(behind) or "none",
        "templates": protocol.templates,
        **{name: value for name, value in where_set.items() if value is not None},
        "exact_words": True,
        "allow_unknown": True,
        "presence": 0.0,
        "units": "pixel",
    }


def config_of(protocol: Protocol) -> SessionConfig:
    """The same as a session config."""
    return merge_config(SessionConfig(), values_of(protocol))


def flags_of(protocol: Protocol) -> list[str]:
    """The same as flags of ``mgca-rt``."""
    flags: list[str] = []
    options = {
        field.name: option
        for parts in SessionConfig().parts().values()
        for part in parts
        for field, option in options_of(part)
    }
    for name, value in values_of(protocol).items():
        flags += [flag_of(name)] if options[name].holds is bool else [flag_of(name), str(value)]
    return flags


def classes_of(protocol: Protocol, labels_hw: np.ndarray) -> np.ndarray:
    """Positions among the set's classes, uint8 (H, W), out of the runtime's labels."""
    if not protocol.has_background:
        return labels_hw
    table = np.arange(1, 257, dtype=np.uint16).astype(np.uint8)
    table[NONE_LABEL] = 0
    found: np.ndarray = table[labels_hw]
    return found


def _entry(words: tuple[str, ...]) -> str:
    """A class as ``--classes`` takes it, called by its first word."""
    return words[0] if len(words) == 1 else f"{words[0]}={'|'.join(words)}"
