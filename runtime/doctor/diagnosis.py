"""All probes, one after another, and what came of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

from runtime.doctor import (
    backend_choice,
    cache_state,
    cameras,
    gpu,
    machine,
    onnx_runtime,
    opencv,
    openvino_devices,
    pyav,
    self_test,
)
from runtime.doctor.finding import Finding

FORMAT = 1

__all__ = ["FORMAT", "Diagnosis", "diagnose"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Diagnosis:
    """The whole report.

    Attributes:
        sections: the findings of each section, by its name; there is none without any.
    """

    sections: Mapping[str, list[Finding]]

    @property
    def passed(self) -> bool:
        """Whether the self-test did not fail."""
        return all(one.state != "broken" for one in self.sections["self_test"])

    def as_record(self) -> dict[str, Any]:
        """The report as plain values; docs/install.md describes them."""
        test = self.sections["self_test"][0].values
        return {
            "format": FORMAT,
            "mgca": _version(),
            "passed": self.passed,
            "backend": test.get("backend"),
            "provider": test.get("provider"),
            "fps": test.get("fps"),
            "sections": {
                name: [finding.as_record() for finding in found]
                for name, found in self.sections.items()
            },
        }


def diagnose(
    bundle: str | os.PathLike[str], backend: str, seconds: float, progress: Progress
) -> Diagnosis:
    """Look at everything.

    Args:
        bundle: the folder of the bundle that is tested.
        backend: what runs it.
        seconds: how long it is tested; 0 leaves the test out.
        progress: called with each section's name before it is looked at.
    """
    found: dict[str, list[Finding]] = {}

    def sees_gpu() -> bool:
        return any(one.name.startswith("GPU ") for one in found["gpu"])

    probes: dict[str, Callable[[], list[Finding]]] = {
        "machine": machine.examine,
        "gpu": gpu.examine,
        "onnxruntime": lambda: onnx_runtime.examine(sees_gpu()),
        "openvino": openvino_devices.examine,
        "opencv": opencv.examine,
        "pyav": pyav.examine,
        "cameras": cameras.examine,
        # The test opens the bundle as a run does, so that what is chosen is known after it.
        "self_test": partial(self_test.examine, bundle, backend, seconds),
        "backend": partial(backend_choice.examine, bundle, backend),
        "cache": cache_state.examine,
    }
    for name, examine in probes.items():
        progress(name)
        found[name] = examine()
    found["self_test"] = found.pop("self_test")  # the end of the report is what is read first
    return Diagnosis(found)


def _version() -> str | None:
    try:
        return metadata.version("mgca")
    except metadata.PackageNotFoundError:
        return None
