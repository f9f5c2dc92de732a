"""A machine with a fake GPU and a fake TensorRT, put in the place of the real bindings."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.api_surface import ApiSurface, read_surface
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_tensorrt import make_fake

MODULES = ("tensorrt", "tensorrt_lean", "tensorrt_lean_bindings")


@dataclass
class Machine:
    """The fakes of one machine, and the API that each of them keeps to."""

    cuda: FakeCuda
    trt: types.ModuleType
    surface: ApiSurface
    cuda_surface: ApiSurface


def put_in_place(
    set_module: Callable[[str, Any], None],
    version: str = "11.4",
    *,
    lean: bool = False,
    devices: int = 1,
    **faults: Any,
) -> Machine:
    """Make the fakes of a TensorRT version importable; ``set_module`` puts each in place."""
    cuda_surface = read_surface(
        "cuda-bindings-12.8" if version.startswith("10") else "cuda-bindings-13.5"
    )
    surface = read_surface(f"tensorrt-{'lean-' if lean else ''}{version}")
    fake_cuda = FakeCuda(cuda_surface, devices)
    trt = make_fake(surface, fake_cuda, **faults)
    package, parent = types.ModuleType("cuda"), types.ModuleType("cuda.bindings")
    parent.runtime = fake_cuda  # type: ignore[attr-defined]
    set_module("cuda", package)
    set_module("cuda.bindings", parent)
    set_module("cuda.bindings.runtime", fake_cuda)
    for name in MODULES:
        set_module(name, None)
    set_module(trt.__name__, trt)
    return Machine(fake_cuda, trt, surface, cuda_surface)
