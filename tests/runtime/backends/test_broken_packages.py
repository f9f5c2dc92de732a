"""Packages that are there and broken: real ones in a folder, met by imports and by processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.backends import open_backend
from runtime.backends.choice import candidates
from runtime.bundle import Bundle
from runtime.errors import MgcaError
from tests.support.processes import LIMIT_S

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


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Path]:
    """A folder for packages; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "packages"
    yield folder
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


def break_openvino(packages: Path, how: str) -> str:
    """Write a broken openvino; gives what must be said of it."""
    source, reason = BROKEN[how]
    (packages / "openvino").mkdir(parents=True)
    (packages / "openvino" / "__init__.py").write_text(source)
    return reason


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_openvino_is_passed_over_and_told(
    bundle: Bundle,
    packages: Path,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reason = break_openvino(packages, how)
    monkeypatch.syspath_prepend(str(packages))
    for name in [name for name in sys.modules if name.split(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    with open_backend(bundle, "auto", threads=1) as backend:
        assert backend.name == "onnxruntime-cpu"
    warnings = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    (passed_over,) = [one for one in warnings if "backend openvino is passed over: " in one]
    assert reason in passed_over
    # Where the processor multiplies in bfloat16, openvino-bf16 is passed over as well.
    assert len(warnings) == len(set(candidates()) - {"onnxruntime-cpu"})
    # Asked for by name it is an error of one line, and no fault of ours.
    with pytest.raises(MgcaError) as caught:
        open_backend(bundle, "openvino", threads=1)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value) and reason in str(caught.value)


@pytest.mark.parametrize(
    ("backend", "code", "says"),
    [
        ("auto", 0, "warning"),
        ("openvino", 2, "error"),
    ],
)
def test_the_command_says_it_in_one_line(
    bundle: Bundle, packages: Path, tmp_path: Path, backend: str, code: int, says: str
) -> None:
    reason = break_openvino(packages, "property")
    cv2.imwrite(str(tmp_path / "red.png"), np.full((6, 8, 3), (0, 0, 200), np.uint8))
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "runtime", "--backend", backend, "--bundle", str(bundle.path)),
            *("--images", str(tmp_path / "red.png"), "--classes", "red,blue"),
            *("--report", str(report)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(packages)},
        timeout=LIMIT_S,
    )
    assert done.returncode == code, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if reason in line]
    assert says in line and "internal error" not in done.stderr
    if code == 0:
        assert json.loads(report.read_text())["backend"] == "onnxruntime-cpu"
    else:
        assert done.stderr.count("\n") == 1
