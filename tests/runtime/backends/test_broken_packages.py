"""Packages that are there and broken: real ones in a folder, met by real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.bundle import Bundle

REPOSITORY = Path(__file__).resolve().parents[3]

# How openvino can be broken, and what the warning must say of it.
BROKEN = {
    "import": ("raise RuntimeError('its library is torn')", "RuntimeError: its library is torn"),
    "half there": ("", "AttributeError: "),
    "core": (
        "__version__ = '1'\ndef Core():\n    raise OSError('no driver')",
        "OSError: no driver",
    ),
    "devices": (
        "__version__ = '1'\n"
        "class Core:\n"
        "    @property\n"
        "    def available_devices(self):\n"
        "        raise RuntimeError('the plugin is broken')\n",
        "RuntimeError: the plugin is broken",
    ),
    "property": (
        "__version__ = '1'\n"
        "class Model:\n"
        "    inputs = outputs = []\n"
        "    def get_property(self, name):\n"
        "        raise KeyError('no such property')\n"
        "class Core:\n"
        "    available_devices = ['CPU']\n"
        "    def read_model(self, path):\n"
        "        return Model()\n"
        "    def compile_model(self, *others):\n"
        "        return Model()\n",
        "no such property",
    ),
}


def run(arguments: list[str], packages: Path) -> subprocess.CompletedProcess[str]:
    """A real process that meets ``packages`` before the installed ones."""
    return subprocess.run(
        [sys.executable, "-m", "runtime", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(packages)},
    )


@pytest.mark.parametrize("how", BROKEN)
def test_auto_passes_over_a_broken_openvino(
    bundle: Bundle, own_cache: Path, tmp_path: Path, how: str
) -> None:
    source, reason = BROKEN[how]
    package = tmp_path / "packages" / "openvino"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    cv2.imwrite(str(tmp_path / "red.png"), np.full((6, 8, 3), (0, 0, 200), np.uint8))
    report = tmp_path / "report.json"
    done = run(
        [
            *("--bundle", str(bundle.path), "--images", str(tmp_path / "red.png")),
            *("--classes", "red,blue", "--report", str(report)),
        ],
        package.parent,
    )
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if "warning" in line]
    assert "backend openvino is passed over: " in warning and reason in warning
    assert json.loads(report.read_text())["backend"] == "onnxruntime-cpu"
    # Asked for by name it is an error of one line, and no fault of ours.
    asked = run(
        [
            *("--bundle", str(bundle.path), "--images", str(tmp_path / "red.png")),
            *("--classes", "red,blue", "--backend", "openvino", "--report", str(report)),
        ],
        package.parent,
    )
    assert asked.returncode == 2 and asked.stderr.count("\n") == 1, asked.stderr
    assert reason in asked.stderr and "internal error" not in asked.stderr
