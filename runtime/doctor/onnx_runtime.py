"""ONNX Runtime: its build, and each of its providers, tried rather than believed."""

from __future__ import annotations

from runtime.backends.onnxruntime.installed import cuda_remedy
from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok
from runtime.doctor.requirement import install_line
from runtime.doctor.tiny_graph import describe_answer, tiny_feeds, tiny_graph
from runtime.environment import installed_versions

NAME = "ONNX Runtime"
_BUILDS = ("onnxruntime", "onnxruntime-gpu")
_ON_NVIDIA = (
    "CUDAExecutionProvider",
    "TensorrtExecutionProvider",
    "NvTensorRTRTXExecutionProvider",
)
#: Sends what it is given to a service of its maker; nothing here ever uses it.
_ELSEWHERE = ("AzureExecutionProvider",)

__all__ = ["examine"]


def examine(gpu: bool) -> list[Finding]:
    """The package and its providers.

    Args:
        gpu: whether a CUDA device answers; without one, what needs it is not loaded.
    """
    found = ask(NAME, look)
    for provider in found[0].values.get("providers", ()):
        if provider in _ON_NVIDIA and not gpu:
            found.append(missing(provider, "in this build, but not loaded: no GPU answers"))
        else:
            found += ask(provider, try_provider, provider)
    if gpu and found[0].state == "ok" and _ON_NVIDIA[0] not in found[0].values["providers"]:
        found.append(missing(_ON_NVIDIA[0], "not in this build", cuda_remedy()))
    return found


def look() -> list[Finding]:
    """The package, with the providers that were compiled into it."""
    builds = installed_versions(_BUILDS)
    try:
        import onnxruntime

        version = str(onnxruntime.__version__)
        providers = list(onnxruntime.get_available_providers())
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        return [missing(NAME, "not installed: no backend runs", install_line("onnxruntime"))]
    except Exception as error:  # a package that is there and broken raises what it likes
        reason = f"{type(error).__name__}: {error}"
        package = next(iter(builds), _BUILDS[0])
        return [broken(NAME, reason, install_line(package, again=True), builds=builds)]
    values = {"version": version, "builds": builds}
    values["providers"] = [name for name in providers if name not in _ELSEWHERE]
    if len(builds) == 2:
        return [broken(NAME, f"{version}, of two builds", cuda_remedy(), **values)]
    return [ok(NAME, f"{version} ({next(iter(builds), 'a build of your own')})", **values)]


def try_provider(provider: str) -> list[Finding]:
    """One provider, by a session that runs the tiny graph on it."""
    import onnxruntime

    if provider in _ON_NVIDIA and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    remedy = cuda_remedy() if provider in _ON_NVIDIA else None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(tiny_graph(), options, providers=[provider])
        running = session.get_providers()[0]
        wrong = describe_answer({"y": session.run(["y"], tiny_feeds())[0]})
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        return [broken(provider, f"{type(error).__name__}: {error}", remedy)]
    if running != provider:
        return [broken(provider, f"does not load: {running} took over", remedy)]
    if wrong is not None:
        return [broken(provider, wrong)]
    return [ok(provider, "loads and computes")]
