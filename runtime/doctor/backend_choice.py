"""Which backend a bundle would run on, and why: what ``auto`` remembers, or what it would try."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import util
from typing import TYPE_CHECKING, Any

from runtime.backends.choice import ORDER, REFERENCE, Outlook, look_ahead
from runtime.backends.devices import cuda_devices
from runtime.bundle import load_bundle
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok

if TYPE_CHECKING:
    from runtime.bundle import Bundle

NAME = "choice"

__all__ = ["examine"]


def examine(bundle: str | os.PathLike[str], backend: str) -> list[Finding]:
    """The bundle, the backend that would run it, and each one that was or was not tried.

    Args:
        bundle: its folder.
        backend: what was asked for; ``auto`` is looked into.
    """
    return ask(NAME, look, os.fspath(bundle), backend)


def look(folder: str, backend: str) -> list[Finding]:
    """The same, in this process."""
    bundle = load_bundle(folder, verify=False)
    width, height = bundle.manifest.input.size_wh
    about = f"{bundle.manifest.model_id}, {bundle.manifest.precision}, {width}x{height}"
    found = [ok("bundle", f"{about} ({bundle.id})", id=bundle.id, model=bundle.manifest.model_id)]
    if backend != "auto":
        asked = {"asked": backend, "chosen": backend, "remembered": False, "candidates": [backend]}
        return [*found, ok(NAME, f"{backend}, as --backend says", **asked)]
    ahead = look_ahead(bundle)
    found.append(_choice(ahead))
    tried = ahead.record.get("tried", {}) if ahead.chosen else {}
    for name in ORDER:
        if name in tried:
            try:
                found.append(_tried(name, tried[name]))
            except (KeyError, TypeError, ValueError):  # a record of the cache, where all may change
                found.append(missing(name, "what is remembered of it cannot be read"))
        elif name not in ahead.names:
            found.append(_no_candidate(name, bundle))
    return found


def _choice(ahead: Outlook) -> Finding:
    values: dict[str, Any] = {"asked": "auto", "candidates": list(ahead.names)}
    if len(ahead.names) == 1:
        only = ahead.names[0]
        values |= {"chosen": only, "remembered": False}
        return ok(NAME, f"{only}: the only backend that can run here", **values)
    if ahead.chosen is not None:
        values |= {"chosen": ahead.chosen, "remembered": True}
        reason = "none was faster by more than noise"
        if ahead.chosen != REFERENCE:
            reason = f"faster by more than noise, and it agrees with {REFERENCE}"
        return ok(NAME, f"{ahead.chosen}, remembered: {reason}", **values)
    values |= {"chosen": None, "remembered": False}
    order = ", ".join(reversed(ahead.names))
    return ok(NAME, f"none is remembered: the next start tries {order}", **values)


def _tried(name: str, figures: Mapping[str, Any]) -> Finding:
    values = dict(figures)
    if "error" in figures:
        return broken(name, f"passed over: {figures['error']}", **values)
    if "ms" not in figures:
        return ok(name, "the reference that the others are held against", **values)
    return ok(
        name,
        f"{figures['ms']:.1f} ms a frame against {figures['against_ms']:.1f} ms of "
        f"{figures['against']} ({figures['turns']} turns, ratio {figures['ratio']:.2f}), "
        f"{100 * figures['labels']:.2f} % of labels the same",
        **values,
    )


def _no_candidate(name: str, bundle: Bundle) -> Finding:
    """Why one is not tried; the sections before this one say what to install."""
    if name.startswith("openvino"):
        absent = util.find_spec("openvino") is None
        reason = "OpenVINO is not installed" if absent else "no bfloat16 products in this processor"
    elif not cuda_devices():
        reason = "no GPU answers"
    else:
        reason = f"no engine of {bundle.id} is built here; this builds it, once"
        return missing(name, reason, "mgca-rt --backend tensorrt")
    return missing(name, f"no candidate: {reason}")
