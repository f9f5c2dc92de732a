"""What an export does for devices once its bundles stand: TensorRT engines, Triton repositories."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.backends.tensorrt.cache import EngineEntry, parse_size
from runtime.backends.tensorrt.settings import PRECISIONS, EngineSettings, Precision
from runtime.bundle import Bundle, load_bundle
from runtime.errors import MgcaError, UserError

# The precision of a bundle that an engine's precision needs: TensorRT takes int8 with its ranges.
_BUNDLE_PRECISION = {"fp32": "fp32", "fp16": "fp16", "int8": "int8-static"}

# Flags that do nothing without another one, which therefore has to be there.
_NEEDS = {
    "trt_words": "trt",
    "trt_workspace": "trt",
    "trt_version_compatible": "trt",
    "trt_lean": "trt",
    "trt_level": "trt",
    "trt_rebuild": "trt",
    "triton_instances": "triton",
}

__all__ = [
    "DeviceJob",
    "add_device_flags",
    "check_devices",
    "finish_for_devices",
    "read_device_flags",
]


@dataclass(frozen=True)
class DeviceJob:
    """What to do with the exported bundles.

    Attributes:
        trt: precision of the TensorRT engine to build, or None.
        settings: how to build it.
        rebuild: build it even if the cache has it.
        triton: folder of the Triton model repository to write, or None.
        instances: how many instances Triton runs.
    """

    trt: Precision | None = None
    settings: EngineSettings = field(default_factory=EngineSettings)
    rebuild: bool = False
    triton: Path | None = None
    instances: int = 1

    def precisions(self, asked: Sequence[str]) -> tuple[str, ...]:
        """The precisions to export: those asked for, and the one that the engine is made of."""
        if self.trt is None:
            return tuple(asked)
        return tuple(dict.fromkeys((*asked, _BUNDLE_PRECISION[self.trt])))


def add_device_flags(parser: argparse.ArgumentParser) -> None:
    """Add ``--trt``, ``--triton`` and what belongs to them."""
    group = parser.add_argument_group(
        "devices", "done once the bundles stand; if it fails, they are kept and the exit code is 1"
    )
    add = group.add_argument
    add(
        "--trt",
        choices=PRECISIONS,
        help="also build a TensorRT engine on this GPU, into the local cache: --trt fp16",
    )
    add(
        "--trt-words",
        metavar="MIN,USUAL,MAX",
        help="how many words the engine takes, and is fastest at: --trt-words 1,20,256 (default "
        "1,64,1024)",
    )
    add(
        "--trt-workspace",
        metavar="SIZE",
        help="the most GPU memory a layer may use: --trt-workspace 512M (default: half the free)",
    )
    add(
        "--trt-version-compatible",
        action="store_true",
        help="an engine that later TensorRT versions of the same major run too, maybe slower",
    )
    add(
        "--trt-lean",
        action="store_true",
        help="version compatible, for devices that have the lean runtime installed",
    )
    add(
        "--trt-level", metavar="0-5", help="how long TensorRT looks for fast kernels: --trt-level 5"
    )
    add("--trt-rebuild", action="store_true", help="build again, whatever the cache holds")
    add(
        "--triton",
        metavar="DIR",
        help="also write an NVIDIA Triton model repository: --triton models/",
    )
    add("--triton-instances", metavar="N", help="instances a GPU (default 1)")


def read_device_flags(options: argparse.Namespace) -> DeviceJob:
    """Check the flags of :func:`add_device_flags`; raises :class:`UserError`."""
    for flag, needed in _NEEDS.items():
        if getattr(options, flag) and getattr(options, needed) is None:
            raise UserError(
                f"--{flag.replace('_', '-')} would do nothing: it needs --{needed} beside it"
            )
    level = options.trt_level
    if level is not None and not (level.isdecimal() and int(level) <= 5):
        raise UserError(f"--trt-level '{level}': expected 0 to 5")
    settings = EngineSettings(
        words=_parse_words(options.trt_words or "1,64,1024"),
        workspace_bytes=_parse_workspace(options.trt_workspace),
        version_compatible=options.trt_version_compatible or options.trt_lean,
        exclude_lean_runtime=options.trt_lean,
        optimization_level=None if level is None else int(level),
    )
    instances = options.triton_instances or "1"
    if not instances.isdecimal() or not 1 <= int(instances) <= 64:
        raise UserError(f"--triton-instances '{instances}': expected 1 to 64")
    return DeviceJob(
        trt=options.trt,
        settings=settings,
        rebuild=options.trt_rebuild,
        triton=None if options.triton is None else Path(options.triton).expanduser(),
        instances=int(instances),
    )


def check_devices(job: DeviceJob) -> None:
    """Refuse before any work what this machine cannot do: an engine without TensorRT or a GPU.

    Raises:
        MgcaError: what is missing here, and how to install it.
    """
    if job.trt is None:
        return
    from runtime.backends.tensorrt.library import TensorRtMissingError, open_tensorrt

    try:
        _, cuda = open_tensorrt(to_build=True)
    except TensorRtMissingError as error:
        raise MgcaError(
            f"--trt {job.trt}: {error}; nothing was exported, leave --trt out for the bundle alone"
        ) from error
    cuda.close()


def finish_for_devices(bundles: Sequence[Path], job: DeviceJob) -> None:
    """Build the engine and write the repository; the bundles are only read.

    Both are tried, whatever becomes of the other.

    Raises:
        MgcaError: what could not be done, and why; nothing that stood before is harmed.
    """
    opened = [load_bundle(path) for path in bundles]
    failures = []
    for finish in (_write_models, _build_engine):
        try:
            finish(opened, job)
        except MgcaError as error:
            failures.append(error)
    if failures:
        # The bundles stand: that is no fault of the arguments any more.
        raise MgcaError("; ".join(map(str, failures))) from failures[0]


def _write_models(bundles: Sequence[Bundle], job: DeviceJob) -> None:
    if job.triton is None:
        return
    from export.targets.triton import write_repository

    for bundle in bundles:
        write_repository(job.triton, bundle, instances=job.instances)


def _build_engine(bundles: Sequence[Bundle], job: DeviceJob) -> None:
    if job.trt is not None:
        _build(_of_precision(bundles, _BUNDLE_PRECISION[job.trt]), job.trt, job)


def _build(bundle: Bundle, precision: Precision, job: DeviceJob) -> EngineEntry:
    from export.targets.tensorrt.build import build_engine
    from runtime.backends.tensorrt.progress import show_build

    with show_build(f"  TensorRT {precision}") as progress:
        return build_engine(bundle, precision, job.settings, rebuild=job.rebuild, progress=progress)


def _of_precision(bundles: Sequence[Bundle], precision: str) -> Bundle:
    for bundle in bundles:
        if bundle.manifest.precision == precision:
            return bundle
    raise MgcaError(f"no {precision} bundle was exported; add --precision {precision}")


def _parse_words(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--trt-words '{text}': expected three numbers, such as 1,64,1024")
    least, usual, most = (int(part) for part in parts)
    if not 1 <= least <= usual <= most <= 4096:
        raise UserError(f"--trt-words '{text}': expected 1 <= least <= usual <= most <= 4096")
    return least, usual, most


def _parse_workspace(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        size = parse_size(text)
    except UserError:
        size = 0
    if size < 1 << 20:
        raise UserError(f"--trt-workspace '{text}': expected a size of at least 1M, such as 512M")
    return size
