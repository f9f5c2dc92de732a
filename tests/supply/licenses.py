"""The table of licenses: every package that the project can install, and under what it stands."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply.declared import read_declared, read_lock

#: What is not installed where the table is made, as its authors say: other systems' packages,
#: other Pythons', a GPU's, those of the documentation.
ELSEWHERE = {
    "colorama": "BSD-3-Clause",
    "coloredlogs": "MIT",
    "exceptiongroup": "MIT",
    "httpx2-jsfetch": "BSD-3-Clause",
    "humanfriendly": "MIT",
    "mkdocs": "BSD-2-Clause",
    "mkdocs-material": "MIT",
    "mkdocstrings": "ISC",
    "onnxruntime-gpu": "MIT",
    "pymdown-extensions": "MIT",
    "pyreadline3": "BSD-3-Clause",
    "ray": "Apache-2.0",
    "six": "MIT",
    "tensorrt-cu12": "NVIDIA's own",
    "tensorrt-cu13": "NVIDIA's own",
    "tomli": "MIT",
}
NOT_STATED = "not stated by the package"
_CLASSIFIER = "License :: "
_LONGEST = 60

__all__ = ["ELSEWHERE", "NOT_STATED", "find_license", "list_packages"]


def find_license(package: Distribution) -> str:
    """What a package says of its license: an SPDX expression, else its classifiers, else a line."""
    expression = package.metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = package.metadata.get_all("Classifier") or []
    said = [one.split(" :: ")[-1] for one in classifiers if one.startswith(_CLASSIFIER)]
    said = [one for one in said if one != "OSI Approved"]
    if said:
        return " / ".join(said)
    text = " ".join(str(package.metadata.get("License") or "").split())
    return text if 0 < len(text) <= _LONGEST and text != "UNKNOWN" else NOT_STATED


def list_packages() -> list[tuple[str, str, str, str]]:
    """Name, version, license and the first extra that needs it, in alphabetical order."""
    needed: dict[str, str] = {}
    for extra, requirements in read_declared().items():
        for name in _closure(requirements):
            needed.setdefault(name, extra)
    for pin in read_lock():
        needed.setdefault(pin.name, "dev")
    return [(name, *_describe(name), extra) for name, extra in sorted(needed.items())]


def _describe(name: str) -> tuple[str, str]:
    """Version and license."""
    found = _find(name)
    if found is not None:
        return found.version, find_license(found)
    pinned = [pin.version for pin in read_lock() if pin.name == name]
    return pinned[-1] if pinned else "", ELSEWHERE.get(name, NOT_STATED)


def _closure(requirements: Iterable[Requirement]) -> list[str]:
    """Names of what is asked for and of all that it needs here in turn."""
    names: dict[str, None] = {}
    waiting = [(one, True) for one in requirements]
    while waiting:
        one, is_declared = waiting.pop()
        applies = one.marker is None or one.marker.evaluate({"extra": ""})
        name = canonicalize_name(one.name)
        if name in names or not (applies or is_declared):
            continue
        names[name] = None
        found = _find(name)
        for text in (found.requires if found else None) or []:
            waiting.append((_with_extras(Requirement(text), one.extras), False))
    return list(names)


def _with_extras(requirement: Requirement, extras: set[str]) -> Requirement:
    """A requirement without its marker where one of these extras asks for it."""
    marker = requirement.marker
    if marker is not None and any(marker.evaluate({"extra": extra}) for extra in extras):
        requirement.marker = None
    return requirement


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
