"""Which build of ONNX Runtime is installed: the plain one, the one for CUDA, or both by mistake."""

from __future__ import annotations

from runtime.environment import installed_versions

__all__ = ["cuda_remedy"]

_PLAIN, _CUDA = "onnxruntime", "onnxruntime-gpu"
_TAKE_CUDA = f"pip uninstall --yes {_PLAIN} {_CUDA} && pip install '{_CUDA}[cuda,cudnn]'"


def cuda_remedy() -> str:
    """What makes CUDA run through ONNX Runtime here, as the end of an error's sentence.

    Both builds are one Python module: whichever was installed last has overwritten the other, and
    taking one of them out breaks what is left. So both are taken out first.
    """
    installed = installed_versions((_PLAIN, _CUDA))
    if len(installed) == 2:
        return f"{_PLAIN} and {_CUDA} are both installed and overwrite each other: {_TAKE_CUDA}"
    if _CUDA not in installed:
        return f"the installed {_PLAIN} is the build without CUDA: {_TAKE_CUDA}"
    return f"install the CUDA and cuDNN that this {_CUDA} needs (pip install '{_CUDA}[cuda,cudnn]')"
