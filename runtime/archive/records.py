"""What an archive writes of each frame beside label videos: areas for Parquet, masks as JSON lines.

Nothing in them differs from run to run, as latencies would.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.claims import Claims
from runtime.sinks.jsonl import describe_frame

#: Column of a class's areas.
AREA = "area_"

__all__ = ["AREA", "AreaTable", "MaskLines", "area_schema"]


class AreaTable(Sink):
    """The share of the picture that each class has, a row a frame, kept until it is asked for."""

    key: ClassVar[str] = "areas"

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.times_s: list[float] = []
        self.areas: list[dict[str, float]] = []

    @classmethod
    def from_options(cls, options: Any) -> None:
        """None: no flag of ``mgca-rt`` asks for it."""

    def check(self, claims: Claims) -> None:
        """Nothing is written."""

    def write(self, item: SegmentedFrame) -> None:
        """Keep one frame's areas."""
        self.frames.append(item.frame.index)
        self.times_s.append(item.frame.time_s)
        self.areas.append(item.result.areas)

    def close(self) -> None:
        """Nothing is open."""

    def save(self, path: Path, class_names: Sequence[str]) -> None:
        """Write all rows as Parquet."""
        import pyarrow as pa
        from pyarrow import parquet

        columns: list[Any] = [self.frames, self.times_s]
        columns += [[row[name] for row in self.areas] for name in class_names]
        schema = area_schema(class_names)
        arrays = [pa.array(one, field.type) for one, field in zip(columns, schema, strict=True)]
        parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


class MaskLines(Sink):
    """A JSON line a frame with the masks as COCO RLE, as ``--jsonl`` with ``--rle`` has it.

    Latencies and the source's path are left out: lines are the same in every run.
    """

    key: ClassVar[str] = "masks"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._file = path.open("w", encoding="utf-8")

    @classmethod
    def from_options(cls, options: Any) -> None:
        """None: no flag of ``mgca-rt`` asks for it."""

    def check(self, claims: Claims) -> None:
        """The file is in a folder of its own."""

    def write(self, item: SegmentedFrame) -> None:
        """Write one line."""
        record = describe_frame(item, with_rle=True)
        del record["latency_ms"], record["source"]
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.written += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def area_schema(class_names: Sequence[str]) -> Any:
    """The columns of a table of areas: ``frame``, ``time_s``, ``area_<class>`` of each class."""
    import pyarrow as pa

    areas = [(f"{AREA}{name}", pa.float64()) for name in class_names]
    return pa.schema([("frame", pa.int64()), ("time_s", pa.float64()), *areas])
