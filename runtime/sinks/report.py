"""The report: one JSON file that says what a run did, written whole at its end."""

from __future__ import annotations

import json
import math
from typing import Any

from runtime.sinks.output_file import OutputFile


class ReportFile:
    """A JSON summary, written at the end of a run, also of one that failed or was stopped."""

    def __init__(self, path: str) -> None:
        self.file = OutputFile(path, "--report")

    def check(self) -> None:
        """Raise ``UserError`` if the file could not be written."""
        self.file.check()

    def write_record(self, record: dict[str, Any]) -> None:
        """Write the report; it appears whole or not at all. Raises ``MgcaError``."""
        text = json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            self.file.open()
            self.file.write_all(text.encode("utf-8"))
            self.file.publish()
        finally:
            self.file.close()


def _plain(value: Any) -> Any:
    """The same with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
