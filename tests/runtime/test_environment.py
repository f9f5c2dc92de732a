from __future__ import annotations

from importlib import metadata

import numpy as np

from runtime.environment import (
    cpu_name,
    describe_hardware,
    describe_versions,
    installed_versions,
    usable_cores,
)


def test_versions_of_what_is_installed() -> None:
    found = installed_versions(("numpy", "a-package-that-nobody-has"))
    assert found == {"numpy": metadata.version("numpy")} == {"numpy": np.__version__}
    described = describe_versions()
    assert found.items() <= described.items() and "python" in described


def test_this_machine() -> None:
    hardware = describe_hardware()
    assert hardware["cpu"] == cpu_name() != ""
    assert hardware["cores"] == usable_cores() >= 1
