"""``python run_without_libraries.py MODULE ARGUMENTS``: runs a module of this project whose heavy
libraries (PyTorch and the like) may be absent, far enough to print its help.

What cannot be found is imported as an empty stand-in, as documentation generators do; what is
installed is used as it is. So ``make docs`` does not need the training packages.
"""

from __future__ import annotations

import runpy
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

ABSENT = ("cv2", "onnx", "onnxscript", "open_clip", "sklearn", "torch", "torchvision", "webdataset")


class StandIn(ModuleType):
    """A name of an absent library: any attribute, call, index or base class is another one."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Another stand-in."""
        return StandIn("called")

    def __getitem__(self, key: Any) -> Any:
        return StandIn("item")

    def __or__(self, other: Any) -> Any:
        return self

    def __ror__(self, other: Any) -> Any:
        return self

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()


class StandInFinder(MetaPathFinder, Loader):
    """Asked last: makes a stand-in of a library that nobody else has found."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """A stand-in's spec for the libraries that may be absent."""
        if fullname.partition(".")[0] in ABSENT:
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The stand-in."""
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is to be run."""


if __name__ == "__main__":
    sys.argv.pop(0)
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    sys.meta_path.append(StandInFinder())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
