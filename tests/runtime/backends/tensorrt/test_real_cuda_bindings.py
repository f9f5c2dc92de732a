"""The real cuda-bindings, without a driver: they take our arguments' types, and say what lacks."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.backends.cuda import Cuda, CudaError, MissingError, open_cuda

cudart = pytest.importorskip("cuda.bindings.runtime")


@pytest.fixture(autouse=True)
def no_gpu() -> None:
    if int(cudart.cudaGetDeviceCount()[0]) == 0:
        pytest.skip("there is a GPU here: these calls would really be made")


def test_no_device_is_told_before_anything_is_made() -> None:
    with pytest.raises(MissingError, match="a GPU that CUDA can use"):
        open_cuda()


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("gpu", ()),
        ("allocate", (4096,)),
        ("allocate_pinned", (4096,)),
        ("upload", (256, 512, 16)),
        ("download", (256, 512, 16)),
        ("synchronize", ()),
        ("capture", (lambda: None,)),
        ("launch", (None,)),
        ("destroy_graph", (None,)),
    ],
)
def test_a_call_fails_by_its_error_code_not_by_its_types(
    method: str, arguments: tuple[Any, ...]
) -> None:
    cuda = Cuda(cudart)
    if method not in ("gpu", "allocate", "allocate_pinned"):
        cuda._stream = cudart.cudaStream_t(0)
    if arguments == (None,):
        arguments = (cudart.cudaGraphExec_t(0),)
    with pytest.raises(CudaError, match=r"CUDA: .*(InsufficientDriver|NoDevice)"):
        getattr(cuda, method)(*arguments)
