"""COCO instances: one JSON file with the regions of every frame, as CVAT and FiftyOne read it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from runtime.errors import UserError
from runtime.options import option
from runtime.plain_json import to_plain
from runtime.redaction import redact
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register

if TYPE_CHECKING:
    from runtime.segment.regions import Region
    from runtime.sinks.claims import Claims

FLAG = "--coco"

__all__ = ["CocoInstances"]


@register
class CocoInstances(Sink):
    """Each connected region of a class is an annotation: mask (RLE), box and area.

    Annotations are written as they come and images beside them, so that a long run needs no
    memory; the file is put together, and appears, at the end.
    """

    key = "coco"
    place = 24

    @dataclass(frozen=True)
    class Options:
        """The file."""

        coco: str | None = option(
            "COCO instances, each region an annotation: --coco instances.json",
            metavar="FILE.json",
        )

    def __init__(self, path: str) -> None:
        self.file = OutputFile(path, FLAG)
        self.images = self.annotations = 0
        self._command = ""
        self._image_folder = ""
        self._category_of: dict[str, int] = {}
        self._image_lines: IO[bytes] | None = None

    @classmethod
    def from_options(cls, options: Options) -> CocoInstances | None:
        """One for ``--coco``."""
        return None if options.coco is None else cls(options.coco)

    def check(self, claims: Claims) -> None:
        """Claim the file; raises ``UserError``, also for a name that is not JSON's."""
        self.file.check(claims)
        if not self.file.is_special() and self.file.path.suffix.lower() != ".json":
            raise UserError(f"{FLAG} {self.file.given} should end in .json; it is a JSON file")
        if claims.image_paths:
            folders = [os.path.dirname(os.path.abspath(path)) for path in claims.image_paths]
            self._image_folder = os.path.commonpath(folders)

    def prepare(self, facts: RunFacts) -> None:
        """Take over the classes, in their order, and the command."""
        self._command = facts.command
        self._number(facts.class_names)

    def write(self, item: SegmentedFrame) -> None:
        """Write the frame's regions."""
        from runtime.segment.regions import find_regions

        if self._image_lines is None:
            self._start()
        names = item.result.class_names
        self._number(names)
        self.images += 1
        lines = []
        for region in find_regions(item.result.labels, len(names)):
            record = self._describe(region, self._category_of[names[region.label]])
            lines.append((",\n" if self.annotations else "\n") + json.dumps(record))
            self.annotations += 1
        self.file.write_all("".join(lines).encode("ascii"))
        width, height = item.frame.size_wh
        self._keep_image(
            {
                "id": self.images,
                "file_name": self._name(item),
                "width": width,
                "height": height,
                "frame": item.frame.index,
                "time_s": round(item.frame.time_s, 6),
            }
        )

    def _start(self) -> None:
        import tempfile

        self.file.open()
        info = {
            "description": "segmented by mgca-rt",
            "date_created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": redact(self._command),
        }
        head = json.dumps(to_plain({"info": info, "licenses": []}), ensure_ascii=False)
        self.file.write_all(head[:-1].encode("utf-8") + b', "annotations": [')
        try:
            folder = None if self.file.is_special() else self.file.path.parent
            self._image_lines = tempfile.TemporaryFile(dir=folder)
        except OSError as error:
            raise self.file.failure(error) from None

    def _number(self, names: tuple[str, ...]) -> None:
        """Give each new class the next category; an older one keeps its own."""
        for name in names:
            self._category_of.setdefault(name, len(self._category_of) + 1)

    def _describe(self, region: Region, category: int) -> dict[str, Any]:
        return {
            "id": self.annotations + 1,
            "image_id": self.images,
            "category_id": category,
            "iscrowd": 0,
            "bbox": list(region.box_xywh),
            "area": region.area,
            "segmentation": region.rle,
        }

    def _name(self, item: SegmentedFrame) -> str:
        """An image's file below the folder that all of them share; else the frame's, as JPEG."""
        if item.frame.path is None or not self._image_folder:
            return f"{item.frame.stem}.jpg"
        path = os.path.relpath(os.path.abspath(item.frame.path), self._image_folder)
        return path.replace(os.sep, "/")

    def _keep_image(self, record: dict[str, Any]) -> None:
        assert self._image_lines is not None
        line = ("" if self.images == 1 else ",\n") + json.dumps(to_plain(record))
        try:
            self._image_lines.write(line.encode("utf-8"))
        except OSError as error:
            raise self.file.failure(error) from None

    def close(self) -> None:
        """Put the file together; it appears whole or not at all."""
        lines, self._image_lines = self._image_lines, None
        try:
            if lines is not None:
                self._finish(lines)
                self.file.publish()
        finally:
            if lines is not None:
                lines.close()
            self.file.close()

    def _finish(self, lines: IO[bytes]) -> None:
        self.file.write_all(b'\n], "images": [\n')
        try:
            lines.seek(0)
            while piece := lines.read(1 << 20):
                self.file.write_all(piece)
        except OSError as error:
            raise self.file.failure(error) from None
        categories = [
            {"id": number, "name": name, "supercategory": ""}
            for name, number in self._category_of.items()
        ]
        tail = json.dumps(to_plain(categories), ensure_ascii=False)
        self.file.write_all(b'\n], "categories": ' + tail.encode("utf-8") + b"}\n")

    def record(self) -> dict[str, Any] | None:
        """The path, the number of images and of annotations."""
        if not self.images:
            return None
        counts = {"images": self.images, "annotations": self.annotations}
        return {"path": self.file.given, **counts}

    def summary(self) -> tuple[str, str] | None:
        """The path and the number of annotations."""
        if not self.images:
            return None
        return "coco", f"{os.path.abspath(self.file.given)} ({self.annotations} annotations)"
