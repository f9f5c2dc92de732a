"""The lean install: a wheel in an environment without torch imports, segments and stays light.

The environment is kept in .venv-lean and made again when pyproject.toml or Python changes; the
wheel is built and installed afresh for every run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGES = ("benchmarks", "export", "runtime", "training")
METADATA = ("pyproject.toml", "README.md", "LICENSE")
HEAVY = ("torch", "torchvision", "open_clip", "onnx", "onnxscript")
RunPython = Callable[..., subprocess.CompletedProcess[str]]


def _run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def _build_wheel(repository: Path, folder: Path) -> Path:
    source = folder / "source"
    leave = shutil.ignore_patterns("__pycache__", "*.pyc", "results")
    for package in PACKAGES:
        shutil.copytree(repository / package, source / package, ignore=leave)
    for name in METADATA:
        shutil.copy(repository / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    _run([*build, "--wheel-dir", str(folder), str(source)])
    (wheel,) = folder.glob("mgca-*.whl")
    return wheel


@pytest.fixture(scope="session")
def lean_environment(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment with nothing but the base install."""
    wheel = _build_wheel(repository, tmp_path_factory.mktemp("wheel"))
    environment = repository / ".venv-lean"
    stamp = environment / ".made-from"
    origin = hashlib.sha256(
        (repository / "pyproject.toml").read_bytes() + sys.version.encode()
    ).hexdigest()
    install = [str(_python_of(environment)), "-m", "pip", "install", "--quiet"]
    if not stamp.is_file() or stamp.read_text() != origin:
        venv.create(environment, with_pip=True, clear=True)
        _run([*install, str(wheel)])
        stamp.write_text(origin)
    else:
        _run([*install, "--no-deps", "--force-reinstall", str(wheel)])
    return environment


@pytest.fixture(scope="session")
def run_lean(lean_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> RunPython:
    """Run the lean environment's Python, away from the checkout and, where possible, offline."""
    folder = tmp_path_factory.mktemp("elsewhere")
    offline = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*offline, "true"], capture_output=True, check=False).returncode != 0:
        offline = []
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MGCA_"))}
    clean |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    interpreter = str(_python_of(lean_environment))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return _run([*offline, interpreter, *arguments], cwd=folder, env=clean)

    return run


def _python_of(environment: Path) -> Path:
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(environment)})
    return Path(scripts) / ("python.exe" if os.name == "nt" else "python")


def _modules_after(run: RunPython, statement: str) -> set[str]:
    done = run("-c", f"{statement}\nimport json, sys; print(json.dumps(sorted(sys.modules)))")
    return set(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "runtime",
        "runtime.cli.entry",
        "training.data.streetworld",
        "benchmarks",
        "benchmarks.accuracy",
        "benchmarks.latency",
    ],
)
def test_imports_without_torch(run_lean: RunPython, module: str):
    loaded = _modules_after(run_lean, f"import {module}")
    assert module in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.slow
def test_the_lean_environment_really_lacks_torch(run_lean: RunPython):
    """Otherwise nothing here would prove anything."""
    found = run_lean(
        "-c",
        "from importlib.util import find_spec\n"
        f"print([name for name in {HEAVY!r} if find_spec(name)])",
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_segments_with_the_shipped_bundle_offline(run_lean: RunPython):
    """Generated scenes through the installed wheel: the labels say something about them."""
    done = run_lean(
        "-c",
        "import json, sys\n"
        "import cv2\n"
        "import numpy as np\n"
        "from runtime import Segmenter\n"
        "from training.data.streetworld import CLASS_NAMES, generate_scene\n"
        "segmenter = Segmenter.load()\n"
        "segmenter.set_classes(list(CLASS_NAMES), background='none')\n"
        "right, truth = 0, np.zeros(256, int)\n"
        "for seed in range(12):\n"
        "    scene = generate_scene(seed, namespace='eval', size_wh=(320, 240))\n"
        "    result = segmenter(cv2.cvtColor(scene.image_hw3, cv2.COLOR_RGB2BGR))\n"
        "    assert result.labels.shape == scene.labels_hw.shape\n"
        "    known = scene.labels_hw < len(CLASS_NAMES)\n"
        "    right += int((result.labels == scene.labels_hw)[known].sum())\n"
        "    truth += np.bincount(scene.labels_hw[known], minlength=256)\n"
        "print(json.dumps({'right': right, 'commonest': int(truth.max()),\n"
        "                  'torch': 'torch' in sys.modules}))\n",
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["torch"]
    # calling every pixel the commonest class is what knowing nothing can reach
    assert found["right"] > 1.2 * found["commonest"], found


@pytest.mark.slow
def test_the_installed_command_runs_the_demo(run_lean: RunPython, tmp_path: Path):
    done = run_lean("-m", "runtime", "--out", str(tmp_path / "demo.mp4"))
    assert (tmp_path / "demo.mp4").stat().st_size > 10_000, done.stderr


def test_import_runtime_is_light():
    """What takes long to import is imported where it is used; `import runtime` stays quick."""
    listing = _run(
        [sys.executable, "-X", "importtime", "-c", "import runtime"],
        cwd=Path(__file__).resolve().parents[1],
    ).stderr
    loaded = {line.rpartition("|")[2].strip() for line in listing.splitlines()}
    assert "runtime" in loaded
    heavy = {"torch", "onnxruntime", "av", "cv2", "tokenizers", "ftfy", "training", "export"}
    assert loaded.isdisjoint(heavy)
