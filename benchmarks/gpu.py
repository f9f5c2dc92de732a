"""Parity and latency of every backend that loads here: ``python -m benchmarks.gpu``.

Each backend is held against ONNX Runtime on the CPU, frame by frame, then timed on the same frames.
The table goes to stdout and, with everything it was measured with, to
``benchmarks/results/<model>_<hardware>_<date>.md``. TensorRT builds its engine first where the
cache has none. A backend that does not load, or breaks while it runs, is listed with its reason,
whatever it raises: what the others have measured is kept. The command fails if a backend disagrees;
one that by design computes in less precision than the bundle says is held to a limit of its own.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.latency.footage import repeat_frames
from benchmarks.latency.frame_times import run_ahead, time_frames
from benchmarks.record.files import check_writable, write_text
from benchmarks.record.measurement import run_measurement
from benchmarks.record.names import choose_names
from benchmarks.record.stage_clock import StageClock
from runtime import Segmenter
from runtime.backends import BACKEND_NAMES
from runtime.backends.devices import cuda_devices
from runtime.backends.parity import (
    LEAST_AGREEMENT,
    LEAST_AGREEMENT_LESS_PRECISE,
    LESS_PRECISE,
    Agreement,
    agree_over_frames,
    compare_outputs,
    mean_of,
    worst_of,
)
from runtime.bundle import Bundle, load_bundle
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE, DEMO_CLASSES, demo_clip
from runtime.environment import describe_hardware, describe_versions
from runtime.errors import MgcaError, describe_error
from runtime.flag_values import whole_number

if TYPE_CHECKING:
    import numpy as np

    from runtime.sources import Frame

PROG = "python -m benchmarks.gpu"
REFERENCE = "onnxruntime-cpu"
# Those that say which engine runs; "auto" and "onnxruntime" are choices among them.
BACKENDS = tuple(name for name in BACKEND_NAMES if name not in ("auto", "onnxruntime"))
_POINTS = ("p50", "p90", "p95")


@dataclass(frozen=True)
class Measured:
    """What one backend did.

    Attributes:
        name: of the backend.
        provider: what ran.
        load_s: seconds that loading took.
        agreements: with the reference, one for each frame compared.
        clock: milliseconds of each stage.
    """

    name: str
    provider: str
    load_s: float
    agreements: Sequence[Agreement]
    clock: StageClock

    @property
    def agrees(self) -> bool:
        """Whether it does what its name promises."""
        return agree_over_frames(self.name, self.agreements)


def build_parser() -> CommandParser:
    """The command's flags."""
    parser = CommandParser(
        prog=PROG,
        description="Check parity and latency of every backend that loads on this machine.",
        epilog=f"example:\n  {PROG} --bundle bundles/b16-fp16 --frames 300",
    )
    parser.add_argument("--bundle", type=Path, help="folder made by python -m export (the demo's)")
    parser.add_argument(
        "--video", help="file, or folder of images, to read frames from (default: the demo clip)"
    )
    parser.add_argument("--classes", help="as mgca-rt takes them (default: the demo's)")
    parser.add_argument(
        "--backends",
        default=",".join(BACKENDS),
        help=f"which to try, separated by commas ({','.join(BACKENDS)})",
    )
    parser.add_argument("--frames", type=whole_number(1), default=200, help="to time (200)")
    parser.add_argument("--warmup", type=whole_number(0), default=20, help="frames run before (20)")
    parser.add_argument("--parity-frames", type=whole_number(1), default=8, help="to compare (8)")
    parser.add_argument(
        "--out", type=Path, help="file to write (default: a name under benchmarks/results)"
    )
    return parser


def measure(arguments: argparse.Namespace) -> Path:
    """Try every backend and write the report; gives its path.

    Raises:
        UserError: wrong arguments.
        MgcaError: a backend ran and disagrees with the reference; the report is written before.
    """
    names = choose_names(arguments.backends, BACKENDS, "--backends")
    bundle = load_bundle(arguments.bundle or DEMO_BUNDLE)
    path = arguments.out or default_path(bundle)
    check_writable(path, "--out")
    video = arguments.video or str(demo_clip())
    with closing(repeat_frames(video)) as source:
        frames = list(itertools.islice(source, arguments.parity_frames))
    words = arguments.classes or list(DEMO_CLASSES)
    references = _reference_outputs(bundle, words, frames)
    done: list[Measured] = []
    absent: dict[str, str] = {}
    for name in names:
        try:
            done.append(_measure_one(bundle, name, words, video, frames, references, arguments))
        except Exception as error:  # what other people's packages raise is not ours to foresee
            absent[name] = describe_error(error)
        print(f"{name}: {absent.get(name, 'measured')}", file=sys.stderr, flush=True)
    text = format_results(bundle, done, absent, arguments, frames[0].size_wh)
    write_text(path, text, "--out")
    print(text)
    wrong = [one.name for one in done if not one.agrees]
    if wrong:
        raise MgcaError(f"{', '.join(wrong)} disagree with {REFERENCE}; see {path}")
    return path


def _reference_outputs(
    bundle: Bundle, words: str | list[str], frames: Sequence[Frame]
) -> list[dict[str, np.ndarray]]:
    with Segmenter.load(bundle, REFERENCE) as segmenter:
        segmenter.set_classes(words)
        return [_run(segmenter, frame) for frame in frames]


def _run(segmenter: Segmenter, frame: Frame) -> dict[str, np.ndarray]:
    """All scores of a frame, as the graph gives them."""
    assert segmenter.classes is not None
    feeds = {
        "frame": segmenter.preprocess(frame.image_bgr).tensor,
        "text": segmenter.classes.text,
    }
    return segmenter.backend.run(feeds, ["class_scores", "pixel_scores"])


def _measure_one(
    bundle: Bundle,
    name: str,
    words: str | list[str],
    video: str,
    frames: Sequence[Frame],
    references: Sequence[dict[str, np.ndarray]],
    arguments: argparse.Namespace,
) -> Measured:
    started = time.perf_counter()
    with Segmenter.load(bundle, name) as segmenter:
        segmenter.set_classes(words)
        load_s = time.perf_counter() - started
        found = [
            compare_outputs(_run(segmenter, frame), reference)
            for frame, reference in zip(frames, references, strict=True)
        ]
        with closing(repeat_frames(video)) as source:
            run_ahead(segmenter, source, arguments.warmup)
            clock, _ = time_frames(segmenter, source, arguments.frames)
        return Measured(name, segmenter.backend.provider, load_s, found, clock)


def format_results(
    bundle: Bundle,
    done: Sequence[Measured],
    absent: dict[str, str],
    arguments: argparse.Namespace,
    source_wh: tuple[int, int],
) -> str:
    """The report as Markdown."""
    manifest, hardware = bundle.manifest, describe_hardware()
    gpus = ", ".join(cuda_devices()) or "none: these are figures of a CPU"
    size = "x".join(map(str, manifest.input.size_wh))
    lines = [
        f"# {manifest.model_id}, {manifest.precision}, {size}",
        "",
        f"- command: `{arguments.command_line}`",
        f"- bundle: {bundle.id}; frames of {source_wh[0]}x{source_wh[1]}, "
        f"{arguments.frames} timed after {arguments.warmup}, one after another",
        f"- GPU: {gpus}",
        f"- CPU: {hardware['cpu']}, {hardware['cores']} cores, {hardware['system']}",
        "- versions: " + ", ".join(f"{k} {v}" for k, v in describe_versions().items()),
        "",
        f"Parity, {arguments.parity_frames} frames against {REFERENCE}: the share of clear grid "
        "pixels with the same winner, by unit and by pixel, as the mean of the frames and in the "
        "worst one, and the worst mean difference of the cosines. A backend disagrees under "
        f"{LEAST_AGREEMENT} in any frame; those that compute in less precision than the bundle "
        f"says ({', '.join(LESS_PRECISE)}) under {LEAST_AGREEMENT_LESS_PRECISE} in the mean. "
        "Times are milliseconds.",
        "",
        "| backend | runs on | load s | mean by unit | mean by pixel | worst by unit | "
        "worst by pixel | mean difference | "
        + " | ".join(f"infer {point}" for point in _POINTS)
        + " | total p50 | frames/s |",
        "|---" * (10 + len(_POINTS)) + "|",
    ]
    for one in done:
        stages = one.clock.to_record()
        infer = " | ".join(f"{_digits(stages['infer'][point])}" for point in _POINTS)
        mean, worst = mean_of(one.agreements), worst_of(one.agreements)
        mark = "" if one.agrees else " (disagrees)"
        lines.append(
            f"| {one.name}{mark} | {one.provider} | {one.load_s:.1f} | {mean.by_unit:.5f} | "
            f"{mean.by_pixel:.5f} | {worst.by_unit:.5f} | {worst.by_pixel:.5f} | "
            f"{worst.mean_difference:.2e} | {infer} | "
            f"{stages['total']['p50']:.2f} | {1000 / stages['total']['mean']:.1f} |"
        )
    if absent:
        lines += ["", "Not run here:", ""]
        lines += [f"- {name}: {reason}" for name, reason in absent.items()]
    return "\n".join(lines) + "\n"


def _digits(value: float | None) -> str:
    """A percentile, or a dash where too few frames were timed for it."""
    return "-" if value is None else f"{value:.2f}"


def default_path(bundle: Bundle) -> Path:
    """``benchmarks/results/<model>_<hardware>_<date>.md``."""
    devices = cuda_devices()
    hardware = devices[0] if devices else str(describe_hardware()["cpu"])
    parts = (
        f"{bundle.manifest.model_id}-{bundle.manifest.precision}",
        hardware,
        time.strftime("%Y-%m-%d"),
    )
    name = "_".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)
    return Path(__file__).parent / "results" / f"{name}.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""

    def write(arguments: argparse.Namespace) -> None:
        print(f"wrote {measure(arguments)}", file=sys.stderr)

    return run_measurement(build_parser(), write, argv)


if __name__ == "__main__":
    sys.exit(main())
