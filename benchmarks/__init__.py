"""Latency and accuracy of a bundle: commands that print tables and write JSON, without torch."""

from importlib.util import find_spec
from pathlib import Path

# A folder of the user's that bears the name of a package which is needed here, and is found first.
for _name in ("runtime", "training", "export"):
    _found = getattr(find_spec(_name), "origin", None)
    if Path(_found or "/").resolve().parent.parent != Path(__file__).resolve().parent.parent:
        raise ImportError(
            f"{_found} hides this program's own package {_name!r}: run from another folder, "
            "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
        )
