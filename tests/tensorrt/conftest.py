"""The fakes in place of the real modules, a small bundle, and a cache of each test's own."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from api_surface import ApiSurface, read_surface
from fake_cuda import FakeCuda
from fake_tensorrt import make_fake

# The hand-made bundle of the runtime's own tests: 8 x 6 frames, grid 4 x 3, colors for words.
_CORE = Path(__file__).parents[1] / "runtime" / "core" / "conftest.py"
_spec = importlib.util.spec_from_file_location("core_conftest", _CORE)
assert _spec is not None and _spec.loader is not None
_core: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_core)
own_cache, manifest, vocabulary = _core.own_cache, _core.manifest, _core.vocabulary
make_bundle, bundle, graphs = _core.make_bundle, _core.bundle, _core.graphs


@dataclass
class Machine:
    """A machine with a fake GPU and a fake TensorRT."""

    cuda: FakeCuda
    trt: types.ModuleType
    surface: ApiSurface
    cuda_surface: ApiSurface


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Machine]]:
    """Put a fake TensorRT of a version in place; call it again for another version or fault."""
    made: list[Machine] = []

    def put(
        version: str = "11.4", *, lean: bool = False, devices: int = 1, **faults: Any
    ) -> Machine:
        cuda_surface = read_surface(
            "cuda-bindings-12.8" if version.startswith("10") else "cuda-bindings-13.5"
        )
        surface = read_surface(f"tensorrt-{'lean-' if lean else ''}{version}")
        fake_cuda = FakeCuda(cuda_surface, devices)
        trt = make_fake(surface, fake_cuda, **faults)
        package, parent = types.ModuleType("cuda"), types.ModuleType("cuda.bindings")
        parent.runtime = fake_cuda  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "cuda", package)
        monkeypatch.setitem(sys.modules, "cuda.bindings", parent)
        monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", fake_cuda)
        for name in ("tensorrt", "tensorrt_lean", "tensorrt_lean_bindings"):
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, trt.__name__, trt)
        made.append(Machine(fake_cuda, trt, surface, cuda_surface))
        return made[-1]

    yield put
    for machine in made:
        machine.cuda._assert_all_freed()


@pytest.fixture(params=["10.3", "11.4"])
def machine(request: pytest.FixtureRequest, install: Callable[..., Machine]) -> Machine:
    """A fake machine of either TensorRT."""
    return install(request.param)
