"""MGCA training: image-text pairs in, a checkpoint out."""

from importlib.util import find_spec
from pathlib import Path

_RUNTIME = getattr(find_spec("runtime"), "origin", None)

# Not by a failing import of a part of it: an editable install finds the parts behind another one.
if Path(_RUNTIME or "").resolve().parents[1] != Path(__file__).resolve().parents[1]:
    raise ImportError(
        f"{_RUNTIME} hides this program's own package 'runtime': run from another folder, "
        "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
    )
