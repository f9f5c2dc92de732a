"""Everything that an engine depends on, under one name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from runtime.cache import record_key

__all__ = ["EngineKey"]

# Least, usual and largest shape of an input.
ShapeRange = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class EngineKey:
    """What an engine was built from, with what, and for what.

    ``onnx_sha256`` of the graph's file, and of its weight files if it has any; ``tensorrt`` the
    full version; ``gpu`` and ``compute_capability`` of the device; ``precision`` of the graph;
    ``shapes`` the range of each input whose shape may vary.
    """

    onnx_sha256: str
    tensorrt: str
    gpu: str
    compute_capability: str
    precision: str
    shapes: Mapping[str, ShapeRange] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The key as plain JSON values, in which two equal keys are equal."""
        ranges = {name: [list(shape) for shape in shapes] for name, shapes in self.shapes.items()}
        return {**asdict(self), "shapes": ranges}

    @property
    def digest(self) -> str:
        """The name of the engine's files: 32 hex digits."""
        return record_key(self.to_json())

    def differs_only_in(self, parts: Collection[str], other: Mapping[str, Any]) -> bool:
        """Whether another key, as JSON, is this one but for these parts."""
        blank = dict.fromkeys(parts)
        return {**other, **blank} == {**self.to_json(), **blank}
