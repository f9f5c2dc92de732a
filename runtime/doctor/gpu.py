"""NVIDIA's driver and GPUs, then cuda-bindings and TensorRT: loaded only where a GPU answers."""

from __future__ import annotations

import ctypes
from pathlib import Path

from runtime.backends.devices import cuda_devices, cuda_driver
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok
from runtime.environment import installed_versions
from runtime.errors import MgcaError, describe_error

_PCI, _NVIDIA = Path("/sys/bus/pci/devices"), "0x10de"
_NO_DEVICE = 100
#: What cuInit says, where a person can do something about it.
_CODES = {
    _NO_DEVICE: "no CUDA device; nvidia-smi must list one",
    802: "the system is not ready yet (its fabric manager does not run)",
    803: "the driver's library and its kernel module differ in version; restart the machine",
    804: "this driver does not serve this GPU in a container of another CUDA",
    999: "unknown error; restarting the machine or reloading the module nvidia_uvm often helps",
}
#: cuDeviceGetAttribute's numbers of the compute capability.
_MAJOR, _MINOR = 75, 76
# As pip knows them.
_BINDINGS = ("cuda-bindings",)
_PACKAGES = ("tensorrt", "tensorrt-cu12", "tensorrt-cu13", "tensorrt-lean")

__all__ = ["examine", "look_at_tensorrt"]


def examine() -> list[Finding]:
    """Driver, devices, the Python bindings of CUDA, and TensorRT."""
    found = ask("NVIDIA driver", look_at_driver)
    if not any(one.name.startswith("GPU ") for one in found):
        return [*found, *(_not_loaded(name) for name in ("cuda-bindings", "TensorRT"))]
    return [
        *found,
        *ask("cuda-bindings", look_at_bindings),
        *ask("TensorRT", look_at_tensorrt),
    ]


def look_at_driver() -> list[Finding]:
    """The driver, and a finding for each device that it sees."""
    driver = cuda_driver()
    if driver is None:
        return [_no_driver()]
    code = driver.cuInit(0)
    if code != 0:
        reason = _CODES.get(code, "see the documentation of CUresult")
        state = missing if code == _NO_DEVICE else broken
        return [state("NVIDIA driver", f"cuInit says {code}: {reason}", code=code)]
    version = ctypes.c_int(0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    names = cuda_devices()
    if not names:
        return [broken("NVIDIA driver", f"takes CUDA up to {cuda}, but sees no device", cuda=cuda)]
    devices = [_device(driver, number, name) for number, name in enumerate(names)]
    return [ok("NVIDIA driver", f"takes CUDA up to {cuda}", cuda=cuda), *devices]


def look_at_bindings() -> list[Finding]:
    """cuda-bindings, by asking them for the device."""
    from runtime.backends.cuda import MissingError, open_cuda
    from runtime.backends.tensorrt.library import install_line

    try:
        cuda = open_cuda()
    except MissingError as error:
        state = broken if installed_versions(_BINDINGS) else missing
        return [state("cuda-bindings", f"TensorRT needs {error}", install_line())]
    try:
        gpu = cuda.gpu()
    finally:
        cuda.close()
    version = installed_versions(_BINDINGS).get(_BINDINGS[0], "")
    free = f"{gpu.free_bytes / 2**30:.1f} GiB free"
    return [ok("cuda-bindings", f"{version} ({gpu.name}, {free})".strip(), version=version)]


def look_at_tensorrt() -> list[Finding]:
    """TensorRT's binding, which is only imported: a builder is made by a build alone."""
    from runtime.backends.tensorrt.library import find_tensorrt, install_line

    try:
        module, kind = find_tensorrt()
    except MgcaError as error:
        state = broken if installed_versions(_PACKAGES) else missing
        return [state("TensorRT", f"{error}", install_line())]
    version = str(module.__version__)
    remark = "" if kind == "full" else ", lean: runs engines, builds none"
    remedy = None if kind == "full" else install_line()
    return [ok("TensorRT", f"{version}{remark}", remedy, version=version, kind=kind)]


def _no_driver() -> Finding:
    from runtime.backends.tensorrt.library import DRIVER_NEEDED

    if not _has_nvidia_hardware():
        return missing("NVIDIA driver", "no NVIDIA GPU and no driver here")
    reason = "an NVIDIA device is in this machine, its driver is not installed"
    return missing("NVIDIA driver", reason, f"install {DRIVER_NEEDED}")


def _has_nvidia_hardware() -> bool:
    try:
        vendors = [path.read_text().strip() for path in _PCI.glob("*/vendor")]
    except OSError:
        return False
    return _NVIDIA in vendors


def _device(driver: ctypes.CDLL, number: int, name: str) -> Finding:
    device, size = ctypes.c_int(0), ctypes.c_size_t(0)
    numbers = []
    try:
        driver.cuDeviceGet(ctypes.byref(device), number)
        for attribute in (_MAJOR, _MINOR):
            value = ctypes.c_int(0)
            driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
            numbers.append(value.value)
        driver.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    except AttributeError as error:  # a library that lacks a function
        return broken(f"GPU {number}", f"{name}: {describe_error(error)}", name=name)
    capability = ".".join(map(str, numbers))
    memory_mib = size.value >> 20
    return ok(
        f"GPU {number}",
        f"{name}, compute capability {capability}, {memory_mib / 1024:.1f} GiB",
        name=name,
        compute_capability=capability,
        memory_mib=memory_mib,
    )


def _not_loaded(name: str) -> Finding:
    """Without a device some of these libraries end the process, so they stay untouched."""
    installed = installed_versions(_PACKAGES if name == "TensorRT" else _BINDINGS)
    said = ", ".join(f"{package} {version}" for package, version in installed.items())
    here = f"{said} is installed, but not loaded" if said else "not needed"
    return missing(name, f"{here}: no GPU answers", installed=installed)
