"""The report as a person reads it in a terminal."""

from __future__ import annotations

import textwrap

from runtime.doctor.diagnosis import Diagnosis
from runtime.doctor.finding import Finding

_TITLES = {
    "gpu": "NVIDIA GPU",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "opencv": "OpenCV",
    "pyav": "PyAV (FFmpeg)",
    "self_test": "self-test",
}
_STATE_WIDTH = len("missing")

__all__ = ["write_page"]


def write_page(diagnosis: Diagnosis, width: int) -> str:
    """Sections of aligned lines, folded at ``width`` characters; remedies begin with an arrow."""
    names = [finding.name for found in diagnosis.sections.values() for finding in found]
    name_width = max(map(len, names))
    blocks = []
    for section, found in diagnosis.sections.items():
        lines = [line for one in found for line in _lines(one, name_width, width)]
        blocks.append("\n".join([_TITLES.get(section, section), *lines]))
    return "\n\n".join(blocks) + "\n"


def _lines(finding: Finding, name_width: int, width: int) -> list[str]:
    head = f"  {finding.state:<{_STATE_WIDTH}}  {finding.name:<{name_width}}  "
    margin = " " * len(head)
    room = max(width, len(head) + 40)
    lines = _fold(finding.detail, head, margin, room)
    for warning in finding.values.get("warnings", ()):
        lines += _fold(warning, f"{margin}warning: ", margin, room)
    if finding.remedy is not None:
        # Never folded: it is copied into a shell.
        lines.append(f"{margin}-> {finding.remedy}")
    return lines


def _fold(text: str, first: str, others: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width=width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
