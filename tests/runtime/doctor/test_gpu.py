"""NVIDIA's side: nothing of it is loaded without a device; with one, it is told what is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.doctor import gpu
from tests.support.fake_machine import Machine


class Driver:
    """Some of libcuda's functions, as they answer with one device, or with an error."""

    def __init__(self, code: int = 0) -> None:
        self.code = code

    def cuInit(self, flags: int) -> int:
        return self.code

    def cuDriverGetVersion(self, version: object) -> int:
        return self._put(version, 12080)

    def cuDeviceGet(self, device: object, number: int) -> int:
        return self._put(device, number)

    def cuDeviceGetAttribute(self, value: object, attribute: int, device: object) -> int:
        return self._put(value, {75: 8, 76: 7}[attribute])

    def cuDeviceTotalMem_v2(self, size: object, device: object) -> int:
        return self._put(size, 8 << 30)

    def _put(self, pointer: object, value: int) -> int:
        pointer._obj.value = value  # type: ignore[attr-defined]
        return 0


def test_without_a_driver_nothing_else_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    if gpu.cuda_driver() is not None:
        pytest.skip("this machine has NVIDIA's driver")
    monkeypatch.setattr(gpu, "ask", lambda name, function: function())
    driver, bindings, tensorrt = gpu.examine()
    assert [one.state for one in (driver, bindings, tensorrt)] == ["missing"] * 3
    assert bindings.detail.endswith("no GPU answers") and "TensorRT" == tensorrt.name


@pytest.mark.parametrize(("code", "state"), [(100, "missing"), (803, "broken"), (4, "broken")])
def test_a_driver_that_does_not_start(
    code: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "cuda_driver", lambda: Driver(code))
    (found,) = gpu.look_at_driver()
    assert found.state == state and found.detail.startswith(f"cuInit says {code}: ")


def test_a_device_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "cuda_driver", Driver)
    monkeypatch.setattr(gpu, "cuda_devices", lambda: ("Orin",))
    driver, device = gpu.look_at_driver()
    assert (driver.detail, device.name) == ("takes CUDA up to 12.8", "GPU 0")
    assert device.detail == "Orin, compute capability 8.7, 8.0 GiB"
    assert device.values["memory_mib"] == 8192


def test_tensorrt_and_bindings_that_work(install: Callable[..., Machine]) -> None:
    install("11.4")
    (found,) = gpu.look_at_tensorrt()
    assert found.state == "ok" and found.detail.startswith("11.4") and found.remedy is None
    (found,) = gpu.look_at_bindings()
    assert found.state == "ok" and "GiB free" in found.detail


def test_a_lean_tensorrt_says_how_to_get_the_full_one(install: Callable[..., Machine]) -> None:
    install("11.4", lean=True)
    (found,) = gpu.look_at_tensorrt()
    assert "builds none" in found.detail and "tensorrt" in (found.remedy or "")


def test_bindings_that_see_no_device(install: Callable[..., Machine]) -> None:
    install("11.4", devices=0)
    (found,) = gpu.look_at_bindings()
    assert found.state != "ok" and "cudaGetDeviceCount" in found.detail
    assert found.remedy is not None
