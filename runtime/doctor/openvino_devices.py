"""OpenVINO and its devices, each tried with a tiny graph."""

from __future__ import annotations

from importlib import util
from typing import Any

from runtime.backends.openvino import first_line, import_openvino, install_line, start_openvino
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok
from runtime.doctor.tiny_graph import describe_answer, tiny_feeds, tiny_graph
from runtime.errors import MgcaError

NAME = "OpenVINO"
_AGAIN = install_line(again=True)

__all__ = ["examine"]


def examine() -> list[Finding]:
    """The package and its devices."""
    found = ask(NAME, look)
    for device in found[0].values.get("devices", ()):
        found += ask(device, try_device, device)
    return found


def look() -> list[Finding]:
    """The package, with the devices that it sees."""
    if util.find_spec("openvino") is None:
        return [missing(NAME, "not installed", install_line())]
    try:
        _, version, devices = start_openvino(import_openvino(), "openvino")
    except MgcaError as error:  # what it says names the line to install, which stands beside it
        cause = error.__cause__
        reason = str(error)
        if isinstance(cause, Exception):
            reason = f"{type(cause).__name__}: {first_line(cause)}"
        return [broken(NAME, reason, _AGAIN)]
    return [ok(NAME, version, version=version, devices=devices)]


def try_device(device: str) -> list[Finding]:
    """One device, by compiling the tiny graph for it."""
    core, _, _ = start_openvino(import_openvino(), "openvino")
    try:
        name = str(core.get_property(device, "FULL_DEVICE_NAME"))
        abilities = list(map(str, core.get_property(device, "OPTIMIZATION_CAPABILITIES")))
        wrong = _run(core, device)
    except Exception as error:  # OpenVINO raises bare RuntimeErrors
        return [broken(device, f"{type(error).__name__}: {first_line(error)}")]
    if wrong is not None:
        return [broken(device, f"{name}: {wrong}")]
    used = "" if device in ("CPU", "NPU") else "; no backend here uses it"
    detail = f"{name} ({', '.join(abilities)}){used}"
    return [ok(device, detail, full_name=name, capabilities=abilities)]


def _run(core: Any, device: str) -> str | None:
    request = core.compile_model(core.read_model(tiny_graph()), device).create_infer_request()
    request.infer(tiny_feeds())
    return describe_answer({"y": request.get_output_tensor(0).data})
