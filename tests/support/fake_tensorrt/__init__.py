"""A fake of TensorRT: no GPU, no kernels, but its names, its rules and its order of calls.

It offers nothing that the real binding of that version lacks: every attribute and every call on
every object is held against the committed API. Its "engine" is the ONNX graph itself, run by ONNX
Runtime when the stream gets there, out of and into the fake device memory, whose bounds it checks.
What comes out is therefore what should come out, if the memory, the shapes and the order are right.
It says nothing about TensorRT's kernels, speed, or which graphs the real parser takes.
"""

from __future__ import annotations

import enum
import types
from functools import partial
from typing import Any

from tests.support.api_surface import ApiSurface, NotInApiError
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_tensorrt.building import Builder
from tests.support.fake_tensorrt.library import FakeLibrary
from tests.support.fake_tensorrt.network import OnnxParser
from tests.support.fake_tensorrt.running import Runtime

__all__ = ["make_fake"]


def make_fake(surface: ApiSurface, cuda: FakeCuda, **faults: Any) -> types.ModuleType:
    """The module ``tensorrt`` (or the lean one) of a committed surface.

    ``faults``: ``build`` (an error text: no plan comes out), ``layers`` (what the inspector lists
    instead of the truth), ``padding`` (bytes that make the plan larger), ``parser`` (an error).
    """
    logger = _logger_class(surface)
    library = FakeLibrary(surface, cuda, faults, logger.Severity)
    made = {
        "ILogger": logger,
        "IProgressMonitor": _monitor_class(surface),
        "Builder": partial(Builder, library),
        "OnnxParser": partial(OnnxParser, library),
        "Runtime": partial(Runtime, library),
    }

    class FakeTensorRt(types.ModuleType):
        __version__ = surface.version

        def __getattribute__(self, name: str) -> Any:
            if name.startswith("_"):
                return super().__getattribute__(name)
            if name not in surface.classes:
                raise NotInApiError(f"{surface.name} has no {name}")
            surface.used.add(("", name))
            return made[name] if name in made else surface.enum(name)

    return FakeTensorRt("tensorrt_lean" if library.lean else "tensorrt")


def _logger_class(surface: ApiSurface) -> Any:
    class ILogger:
        Severity = (
            surface.enum("Severity")
            if "Severity" in surface.classes
            else enum.IntEnum("Severity", surface.classes["ILogger"]["classes"]["Severity"]["enum"])
        )

        def __init__(self) -> None:
            surface.check_call("ILogger", "__init__", 0, set())
            self._made = True

    return ILogger


def _monitor_class(surface: ApiSurface) -> Any:
    class IProgressMonitor:
        def __init__(self) -> None:
            surface.check_call("IProgressMonitor", "__init__", 0, set())
            self._made = True

    return IProgressMonitor
