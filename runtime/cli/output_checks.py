"""Before any work: outputs that cannot be written, or that would damage an input or each other."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from runtime.demo import DEMO_BUNDLE
from runtime.errors import UserError
from runtime.sinks import ReportFile, Sink
from runtime.sources import ImageSource, Source


def check_outputs(
    options: argparse.Namespace, source: Source, sinks: Sequence[Sink], report: ReportFile | None
) -> None:
    """Refuse outputs that cannot be written or would damage an input or each other."""
    for sink in sinks:
        sink.check()
    if report is not None:
        report.check()
    inputs = {os.path.realpath(path) for path in source.input_paths()}
    if options.classes_file is not None:
        inputs.add(os.path.realpath(options.classes_file))
    _check_outside_bundle(options)
    taken: dict[str, str] = {}
    for flag in ("out", "jsonl", "report"):
        given = getattr(options, flag)
        if given is None or given == "-" or not _is_plain(given):
            continue
        path = os.path.realpath(given)
        if path in inputs:
            raise UserError(f"--{flag} {given} is an input of this run; give another name")
        if path in taken:
            raise UserError(f"--{taken[path]} and --{flag} name the same file {given}")
        taken[path] = flag
    if options.label_dir is not None and isinstance(source, ImageSource):
        _check_labels(options.label_dir, source, inputs)


def _check_outside_bundle(options: argparse.Namespace) -> None:
    """A bundle with a foreign file is refused from then on: nothing may be written into it."""
    bundle = Path(os.path.realpath(options.bundle or DEMO_BUNDLE))
    for flag in ("out", "label_dir", "jsonl", "report"):
        given = getattr(options, flag)
        if given is not None and bundle in (path := Path(os.path.realpath(given)), *path.parents):
            raise UserError(
                f"--{flag.replace('_', '-')} {given} lies in the bundle {bundle}, which must stay "
                "as it is; give another place"
            )


def _check_labels(label_dir: str, source: ImageSource, inputs: set[str]) -> None:
    equal = source.equal_stems()
    if equal is not None:
        raise UserError(
            f"--label-dir: {equal[0]} and {equal[1]} would both be written to "
            f"{Path(equal[0]).stem}.png; run them apart or rename one"
        )
    for path in source.paths:
        target = os.path.realpath(os.path.join(label_dir, Path(path).stem + ".png"))
        if target in inputs:
            raise UserError(
                f"--label-dir {label_dir} would overwrite the input {path}; give another folder"
            )


def _is_plain(path: str) -> bool:
    return not os.path.exists(path) or os.path.isfile(path)
