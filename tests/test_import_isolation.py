"""The lean install: a wheel in an environment without torch imports, segments and stays light.

The environment is kept in .venv-lean and made again when pyproject.toml or Python changes; the
wheel is built and installed afresh when any of its sources changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S
from tests.support.source_copy import copy_source

HEAVY = ("torch", "torchvision", "open_clip", "onnx", "onnxscript")
# Parts that a lean install never imports: what opens them asks for the extra first.
OF_EXTRAS = {
    "runtime.serve.": ("prometheus_client", "starlette", "uvicorn"),
    "runtime.sources.gstreamer_gi": ("gi",),  # PyGObject, which the system brings
}
RunPython = Callable[..., subprocess.CompletedProcess[str]]


def _run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(  # type: ignore[call-overload]
        command, capture_output=True, text=True, timeout=LIMIT_S, **options
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def _build_wheel(source: Path, folder: Path) -> Path:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    _run([*build, "--wheel-dir", str(folder), str(source)])
    (wheel,) = folder.glob("mgca-*.whl")
    return wheel


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _digest_folder(folder: Path) -> str:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    contents = (str(p.relative_to(folder)).encode() + b"\0" + p.read_bytes() for p in files)
    return _digest(*contents)


@pytest.fixture(scope="session")
def lean_environment(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment with nothing but the base install."""
    folder = tmp_path_factory.mktemp("wheel")
    source = copy_source(folder / "source")
    environment = repository / ".venv-lean"
    stamp = environment / ".made-from"
    origin = _digest((repository / "pyproject.toml").read_bytes(), sys.version.encode())
    wanted = [origin, _digest_folder(source)]
    found = stamp.read_text().split() if stamp.is_file() else []
    if found == wanted:
        return environment
    stamp.unlink(missing_ok=True)  # what is interrupted below must not pass for complete
    wheel = str(_build_wheel(source, folder))
    if found[:1] != wanted[:1]:
        venv.create(environment, with_pip=True, clear=True)
    install = [str(_python_of(environment)), "-m", "pip", "install", "--quiet"]
    if found[:1] != wanted[:1]:
        _run([*install, wheel])
    else:
        _run([*install, "--no-deps", "--force-reinstall", wheel])
    stamp.write_text("\n".join(wanted))
    return environment


@pytest.fixture(scope="session")
def run_lean(lean_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> RunPython:
    """Run the lean environment's Python, away from the checkout and, where possible, offline."""
    folder = tmp_path_factory.mktemp("elsewhere")
    offline = ["unshare", "--net", "--map-root-user"]
    probe = subprocess.run([*offline, "true"], capture_output=True, check=False, timeout=LIMIT_S)
    if probe.returncode != 0:
        offline = []
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MGCA_"))}
    clean |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    interpreter = str(_python_of(lean_environment))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return _run([*offline, interpreter, *arguments], cwd=folder, env=clean)

    return run


def _python_of(environment: Path) -> Path:
    windows = os.name == "nt"
    return environment / ("Scripts" if windows else "bin") / ("python.exe" if windows else "python")


IMPORT_ALL = """
import importlib, json, pkgutil, sys
from importlib.util import find_spec
import runtime
names = [found.name for found in pkgutil.walk_packages(runtime.__path__, "runtime.")]
names = [name for name in names if not name.endswith(".__main__")]
names += ["training.data.streetworld", "benchmarks", "benchmarks.accuracy"]
names += ["benchmarks.latency.__main__"]
failed = {}
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = str(error)
present = [name for name in sys.argv[1:] if find_spec(name)]
print(json.dumps({"failed": failed, "count": len(names), "present": present}))
"""


@pytest.mark.slow
def test_what_a_lean_install_may_import_imports(run_lean: RunPython) -> None:
    """Every module of the runtime, the generated world and two benchmarks, in one interpreter."""
    said = json.loads(run_lean("-c", IMPORT_ALL, *HEAVY).stdout.splitlines()[-1])
    assert said["present"] == [], "the environment is not lean: nothing here would prove anything"
    failed = {name: why for name, why in said["failed"].items() if not _needs_its_extra(name, why)}
    assert failed == {} and said["count"] > 50
    assert said["failed"], "the extras are installed: nothing here would prove anything"


def _needs_its_extra(module: str, why: str) -> bool:
    """Whether a module that only its extra brings libraries for lacks one of those."""
    of = [libraries for place, libraries in OF_EXTRAS.items() if module.startswith(place)]
    return any(f"'{library}" in why for libraries in of for library in libraries)


@pytest.mark.slow
def test_segments_with_the_shipped_bundle_offline(run_lean: RunPython) -> None:
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
        "for seed in range(5):\n"
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
def test_the_installed_command_runs_the_demo(run_lean: RunPython, tmp_path: Path) -> None:
    out = tmp_path / "demo.mp4"
    done = run_lean("-m", "runtime", "--max-frames", "10", "--out", str(out))
    assert out.stat().st_size > 10_000, done.stderr


def test_import_runtime_is_light(repository: Path) -> None:
    """What takes long to import is imported where it is used; `import runtime` stays quick."""
    command = [sys.executable, "-X", "importtime", "-c", "import runtime"]
    listing = _run(command, cwd=repository).stderr
    loaded = {line.rpartition("|")[2].strip() for line in listing.splitlines()}
    assert "runtime" in loaded
    heavy = {"torch", "onnxruntime", "av", "cv2", "tokenizers", "ftfy", "training", "export"}
    assert loaded.isdisjoint(heavy)
