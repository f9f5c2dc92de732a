"""A folder of the user's that bears the name of a package of this program, and is found first."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

__all__ = ["refuse_shadowed"]


def refuse_shadowed(beside: str, names: Iterable[str]) -> None:
    """See that packages are those that lie beside this one.

    Args:
        beside: the ``__file__`` of a package's ``__init__.py``.
        names: of the packages that it needs.

    Raises:
        ImportError: another one of that name comes first; the message names its place.
    """
    home = Path(beside).absolute().parents[1]
    for name in names:
        spec = find_spec(name)
        places = [
            Path(place).absolute() for place in (spec and spec.submodule_search_locations) or ()
        ]
        if spec is not None and home / name not in places:
            found = places[0] if places else spec.origin
            raise ImportError(
                f"{found} hides this program's own package {name!r}: run from another folder, "
                "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
            )
