"""TensorRT, its GPU and its bindings: found, or named as missing with what installs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export.targets.tensorrt import build_engine
from runtime.backends.tensorrt import library as tensorrt_library
from runtime.bundle import Bundle
from runtime.errors import MgcaError


@pytest.mark.parametrize(
    ("system", "machine_name", "jetson", "cuda", "line"),
    [
        ("Linux", "x86_64", False, 13, "pip install 'tensorrt-cu13>=10.3,<12' 'cuda-bindings>=13"),
        ("Linux", "x86_64", False, 12, "pip install 'tensorrt-cu12>=10.3,<12' 'cuda-bindings>=12"),
        ("Linux", "aarch64", True, 12, "on a Jetson it comes with JetPack: sudo apt-get install"),
        ("Linux", "aarch64", False, 13, "pip install 'tensorrt-cu13>=10.3,<12'"),
        ("Darwin", "arm64", False, 13, "TensorRT has no package for Darwin on arm64"),
    ],
)
def test_the_install_line_is_this_machines(
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    machine_name: str,
    jetson: bool,
    cuda: int,
    line: str,
) -> None:
    monkeypatch.setattr(tensorrt_library.platform, "system", lambda: system)
    monkeypatch.setattr(tensorrt_library.platform, "machine", lambda: machine_name)
    monkeypatch.setattr(tensorrt_library, "_is_jetson", lambda: jetson)
    monkeypatch.setattr(tensorrt_library, "_cuda_major", lambda: cuda)
    assert tensorrt_library.install_line().startswith(line)
    if jetson:
        assert "--system-site-packages" in tensorrt_library.install_line()


def test_what_is_missing_is_named(
    bundle: Bundle, install: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    install("11.4", devices=0)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(MgcaError) as caught:
        build_engine(bundle, "fp32")
    text = str(caught.value)
    assert caught.value.exit_code == 1 and "\n" not in text
    assert text.startswith("--trt fp32: missing here: a GPU that CUDA can use")
    assert "and TensorRT's builder (tensorrt: import of tensorrt halted" in text
    assert "install" in text and text.endswith(f"the ONNX bundle {bundle.path} is kept")
    assert bundle.file("segmenter.onnx").is_file()


@pytest.mark.parametrize("version", ["10.2.0", "8.6.1", "12.0.1", "nonsense"])
def test_versions_out_of_range_are_refused(
    bundle: Bundle, install: Callable[..., Any], version: str
) -> None:
    machine = install("11.4")
    type(machine.trt).__version__ = version
    with pytest.raises(MgcaError, match=f"from 10.3 to 11 \\(found {version}\\)"):
        build_engine(bundle, "fp32")


def test_nothing_is_constructed_without_a_gpu(bundle: Bundle, install: Callable[..., Any]) -> None:
    """The fake fails the test (a segmentation fault on real machines) if anything is."""
    install("10.3", devices=0)
    with pytest.raises(MgcaError, match="missing here: a GPU"):
        build_engine(bundle, "fp32")
