"""TensorRT's Python binding: found, checked, and asked for nothing before a GPU is known.

``Runtime`` and ``Builder`` crash the process where there is no CUDA device; so this is the only
place that makes the first of them, after the device count has been asked.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from runtime.backends.cuda import Cuda, MissingError, open_cuda
from runtime.backends.devices import cuda_driver
from runtime.errors import MgcaError, describe_error

LOWEST, BELOW = (10, 3), (12, 0)
DRIVER_NEEDED = "NVIDIA's driver for a CUDA GPU (nvidia-smi must list one)"
# The full binding; the lean one, which runs engines but builds none, under either of its names.
_FULL = ("tensorrt",)
_LEAN = ("tensorrt_lean", "tensorrt_lean_bindings")

log = logging.getLogger(__name__)

__all__ = [
    "DRIVER_NEEDED",
    "TensorRt",
    "TensorRtMissingError",
    "find_tensorrt",
    "install_line",
    "open_tensorrt",
]


class TensorRtMissingError(MgcaError):
    """TensorRT, its GPU or a binding is not here; one line with what to install."""


@dataclass(frozen=True)
class TensorRt:
    """A loaded binding. ``kind`` is ``lean`` where it can run engines but not build them."""

    module: Any
    version: str
    kind: Literal["full", "lean"]
    logger: Any

    @property
    def major(self) -> int:
        """First number of the version."""
        return int(self.version.split(".")[0])


def open_tensorrt(*, to_build: bool = False) -> tuple[TensorRt, Cuda]:
    """TensorRT and the device; :class:`TensorRtMissingError` names everything that is missing.

    ``to_build`` demands the full library: the lean one runs engines only.
    """
    missing = []
    cuda: Cuda | None = None
    try:
        cuda = open_cuda()
    except MissingError as error:
        missing.append(str(error))
    binding: Any = None
    try:
        binding = find_tensorrt(to_build=to_build)
    except MissingError as error:
        missing.append(str(error))
    if cuda is None or binding is None:
        raise TensorRtMissingError(f"missing here: {' and '.join(missing)}; {install_line()}")
    module, kind = binding
    return TensorRt(module, module.__version__, kind, _make_logger(module)), cuda


def find_tensorrt(*, to_build: bool = False) -> tuple[Any, Literal["full", "lean"]]:
    """The binding of a supported version; nothing is called in it. Raises ``MissingError``."""
    module, reasons = None, []
    for name in _FULL if to_build else (*_FULL, *_LEAN):
        try:
            module = importlib.import_module(name)
            break
        except ImportError as error:  # also a library that the binding is linked to
            reasons.append(f"{name}: {error}")
        except Exception as error:  # a package that is there and broken raises what it likes
            reasons.append(f"{name}: {describe_error(error)}")
    if module is None:
        what = "TensorRT's builder" if to_build else "TensorRT"
        raise MissingError(f"{what} ({'; '.join(reasons)})")
    version = str(module.__version__)
    if not LOWEST <= _version_pair(version) < BELOW:
        raise MissingError(f"a TensorRT from 10.3 to 11 (found {version})")
    return module, "full" if module.__name__ in _FULL else "lean"


def install_line() -> str:
    """How to get TensorRT on this machine, in one line.

    The table in docs/tensorrt.md and the extras in pyproject.toml say the same; a test holds them
    against this.
    """
    machine, system = platform.machine().lower(), platform.system()
    major = _cuda_major()
    # Bindings of a later major ask the driver for calls that it does not have.
    bindings = "cuda-bindings>=12.8,<13" if major == 12 else f"cuda-bindings>={major},<{major + 1}"
    if _is_jetson():
        return (
            "on a Jetson it comes with JetPack: sudo apt-get install python3-libnvinfer, "
            "make the environment with python3 -m venv --system-site-packages .venv, "
            f"then pip install '{bindings}'"
        )
    if system != "Linux" or machine not in ("x86_64", "amd64", "aarch64", "arm64"):
        return f"TensorRT has no package for {system} on {machine}: use backend='onnxruntime'"
    return f"pip install 'tensorrt-cu{major}>=10.3,<12' '{bindings}'" + (
        "" if cuda_driver() else f", and {DRIVER_NEEDED}"
    )


def _version_pair(version: str) -> tuple[int, int]:
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _is_jetson() -> bool:
    return Path("/etc/nv_tegra_release").exists()


def _cuda_major() -> int:
    """Major version of CUDA that the driver takes, 12 or 13; 13 where nothing is known."""
    driver, version = cuda_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDriverGetVersion(ctypes.byref(version)) != 0:
        return 13
    return 12 if version.value < 13000 else 13


@cache
def _make_logger(trt: Any) -> Any:
    """TensorRT's messages in our log, its errors kept for our own messages.

    One for the whole process: TensorRT keeps to the first one that it is given.
    """
    levels = {
        trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.Severity.ERROR: logging.ERROR,
        trt.ILogger.Severity.WARNING: logging.INFO,  # most tell of choices it has made by itself
        trt.ILogger.Severity.INFO: logging.DEBUG,
        trt.ILogger.Severity.VERBOSE: logging.DEBUG - 5,
    }

    class LogLine(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.last_error = ""

        def log(self, severity: Any, msg: str) -> None:
            level = levels.get(severity, logging.DEBUG)
            if level >= logging.ERROR:
                self.last_error = " ".join(str(msg).split())
            # Errors become the text of an exception: as log lines they would be told twice.
            log.log(min(level, logging.INFO), "TensorRT: %s", msg)

    return LogLine()
