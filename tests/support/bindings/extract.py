"""Read the API of a TensorRT or cuda-bindings wheel into JSON, on any x86-64 Linux machine.

    pip download --no-deps --only-binary=:all: -d wheels tensorrt-cu12-bindings==10.3.0
    python tests/support/bindings/extract.py wheels/tensorrt_cu12_bindings-10.3.0-*.whl \
        --out tests/support/bindings/tensorrt-10.3.0.json

The wheel must be made for the Python that runs this (cp311 for 3.11); gcc and nm must be there.
TensorRT's own libraries (gigabytes) are not needed: the binding is loaded beside stub libraries
whose functions return 0, which is enough to read its classes, but nothing can be called.

The JSON: classes, each with its bases, enum members, properties ("rw" where they can be set) and
methods with the argument names of every overload, as the binding's docstrings tell them; a name
that ends in "=" has a default. Functions of the module are kept likewise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

# Run in a process of its own: a binding beside stubs may take the process with it.
_READER = "--read"
# Of cuda-bindings' hundreds of structs and enums, those that a call of ours takes or gives.
_CUDA_CLASSES = ("cudaDeviceProp", "cudaError_t", "cudaMemcpyKind", "cudaStreamCaptureMode")


def main() -> int:
    if _READER in sys.argv:
        print(json.dumps(_read_module(sys.argv[-1])))
        sys.stdout.flush()
        os._exit(0)  # destructors of the binding would call into the stubs
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        surface = _extract(arguments.wheel, Path(folder))
    arguments.out.write_text(_compact(surface))
    print(f"{arguments.out}: {len(surface['classes'])} classes")
    return 0


def _extract(wheel: Path, folder: Path) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    distribution, version = wheel.name.split("-")[:2]
    module = {
        True: "tensorrt_lean_bindings.tensorrt_lean",
        False: "tensorrt_bindings.tensorrt",
    }["lean" in distribution]
    environment = {**os.environ, "PYTHONPATH": str(folder / "site")}
    if distribution.startswith("cuda"):
        module = "cuda.bindings.runtime"
    else:
        (binding,) = (folder / "site").glob("*_bindings/*.so")
        environment["LD_LIBRARY_PATH"] = str(_build_stubs(binding, folder / "stubs"))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), _READER, module],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return {
        "distribution": distribution.replace("_", "-"),
        "version": version,
        "wheel": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "module": module,
        **json.loads(done.stdout.splitlines()[-1]),
    }


def _build_stubs(binding: Path, folder: Path) -> Path:
    """One library for each that the binding needs of NVIDIA's, exporting all that it asks for."""
    folder.mkdir()
    needed = subprocess.run(
        ["readelf", "-d", str(binding)], check=True, capture_output=True, text=True, timeout=300
    ).stdout
    undefined = subprocess.run(
        ["nm", "-D", "--undefined-only", str(binding)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    names = re.findall(r"U ((?:create|get|init)\w+)$", undefined, re.MULTILINE)
    source = folder / "stub.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in names))
    for library in re.findall(r"\[(libnv[^]]+)\]", needed):
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-o", str(folder / library), f"-Wl,-soname,{library}"]
            + [str(source)],
            check=True,
            timeout=300,
        )
    return folder


def _read_module(name: str) -> dict[str, Any]:
    import importlib

    # The package sets names on the classes in Python; the binding alone would lack them.
    package = importlib.import_module(name.rpartition(".")[0] if "tensorrt" in name else name)
    classes: dict[str, Any] = {}
    functions: dict[str, Any] = {}
    for key in sorted(dir(package)):
        value = getattr(package, key)
        if key.startswith("_"):
            continue
        if isinstance(value, type):
            if "tensorrt" in name or key in _CUDA_CLASSES:
                classes[key] = _read_class(value)
        elif callable(value):
            functions[key] = _signatures(value)
    return {"classes": classes, "functions": functions}


def _read_class(kind: type) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    bases = [base.__name__ for base in kind.__mro__[1:] if base.__module__.startswith("tensorrt")]
    if bases:
        entry["bases"] = bases
    members = getattr(kind, "__members__", None)
    if members:
        entry["enum"] = {name: int(value) for name, value in members.items()}
        return entry
    properties, methods, classes = {}, {}, {}
    for name, value in sorted(vars(kind).items()):
        if name.startswith("_") and name not in ("__init__", "__len__", "__getitem__"):
            continue
        if isinstance(value, property) or type(value).__name__ == "getset_descriptor":
            properties[name] = "rw" if getattr(value, "fset", True) else "r"
        elif isinstance(value, type):
            classes[name] = _read_class(value)
        elif callable(value) or isinstance(value, staticmethod):
            methods[name] = _signatures(getattr(kind, name))
        elif isinstance(value, (int, float, str)) or hasattr(value, "name"):
            properties[name] = "r"
    for key, found in (("properties", properties), ("methods", methods), ("classes", classes)):
        if found:
            entry[key] = found
    return entry


def _signatures(function: Any) -> list[str]:
    """Argument names of each overload, ``self`` left out: ``["flags=", "name other="]``."""
    text = function.__doc__ or ""
    name = function.__name__
    found = []
    for line in text.splitlines():
        match = re.match(rf"(?:\d+\. )?{re.escape(name)}\((.*)\)(?: -> .*)?$", line.strip())
        if match and match[1] != "*args, **kwargs":
            found.append(" ".join(_argument_names(match[1])))
    return sorted(set(found))


def _argument_names(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text + ","):
        depth += (letter in "([{<") - (letter in ")]}>" and text[place - 1] != "-")
        if letter == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    names = []
    for part in parts:
        # Python's `name: type = value`, or C's `unsigned int name` in cuda-bindings.
        before = re.match(r"[^:=]*", part)
        words = re.findall(r"\*{0,2}\w+", before[0]) if before else []
        if words and words[-1] != "self":
            names.append(words[-1] + ("=" if "=" in part else ""))
    return names


def _compact(surface: dict[str, Any]) -> str:
    """One class or function a line: short, and a change shows as a line in a diff."""
    parts = []
    for key, value in surface.items():
        if key in ("classes", "functions"):
            lines = [
                f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
                for name, entry in value.items()
            ]
            parts.append(f"{json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
