"""Which outputs there are: every module of this package may register a sink, and is found here."""

from __future__ import annotations

import pkgutil
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from runtime.sinks.base import Sink

SinkClass = TypeVar("SinkClass", bound="type[Sink]")

__all__ = ["build_sinks", "register", "registered_sinks", "unregister"]

_sinks: dict[str, type[Sink]] = {}


def register(sink: SinkClass) -> SinkClass:
    """Class decorator: make a sink known to the command line, the file and the report.

    Raises:
        ValueError: another sink has its ``key`` or one of its options.
    """
    taken = {one.name: key for key, other in _sinks.items() for one in fields(other.Options)}
    if sink.key in _sinks:
        raise ValueError(f"a sink with the key {sink.key!r} is registered already")
    for one in fields(sink.Options):
        if one.name in taken:
            raise ValueError(f"the sink {taken[one.name]!r} has an option {one.name!r} already")
    _sinks[sink.key] = sink
    return sink


def unregister(sink: type[Sink]) -> None:
    """Forget a sink again, as a test does with one of its own."""
    _sinks.pop(sink.key, None)


def registered_sinks() -> tuple[type[Sink], ...]:
    """Every sink, those of this package included, by their ``place`` and key."""
    import runtime.sinks as package

    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(sorted(_sinks.values(), key=lambda sink: (sink.place, sink.key)))


def build_sinks(options: tuple[Any, ...]) -> list[Sink]:
    """The sinks that a session config asks for, not yet checked, in the registry's order.

    Args:
        options: an instance of each registered sink's ``Options``.

    Raises:
        UserError: a sink's options cannot go together.
    """
    built = []
    for sink_class in registered_sinks():
        for one in options:
            if type(one) is sink_class.Options:
                sink = sink_class.from_options(one)
                built += [] if sink is None else [sink]
    return built
