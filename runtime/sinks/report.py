"""The report: one JSON file that says what a run did, written whole at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.options import option
from runtime.plain_json import json_text
from runtime.sinks.base import SegmentedFrame, Sink
from runtime.sinks.output_file import OutputFile
from runtime.sinks.registry import register
from runtime.standard_output import write_stdout

if TYPE_CHECKING:
    from runtime.sinks.claims import Claims

FLAG = "--report"

__all__ = ["ReportFile"]


@register
class ReportFile(Sink):
    """A JSON summary, written at the end of a run, also of one that failed or was stopped."""

    key = "report"
    place = 40
    takes_frames = False
    of_session = True

    @dataclass(frozen=True)
    class Options:
        """The file."""

        report: str | None = option(
            "a JSON summary at the end, - for stdout: --report report.json", metavar="FILE"
        )

    def __init__(self, path: str) -> None:
        self.file = None if path == "-" else OutputFile(path, FLAG)
        self.uses_stdout = self.file is None

    @classmethod
    def from_options(cls, options: Options) -> ReportFile | None:
        """One for ``--report``."""
        return None if options.report is None else cls(options.report)

    def check(self, claims: Claims) -> None:
        """Claim the file or stdout; raises ``UserError``."""
        if self.file is None:
            claims.claim_stdout(f"{FLAG} -")
        else:
            self.file.check(claims)

    def write(self, item: SegmentedFrame) -> None:
        """Frames are counted elsewhere."""

    def finish(self, record: dict[str, Any]) -> None:
        """Write the report; it appears whole or not at all. Raises ``MgcaError``."""
        if self.file is None:
            write_stdout(json_text(record), FLAG)
            return
        try:
            self.file.open()
            self.file.write_all(json_text(record).encode("utf-8"))
            self.file.publish()
        finally:
            self.file.close()

    def close(self) -> None:
        """Nothing is held open."""
