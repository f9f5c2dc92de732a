"""The bundles that come with the package, by their names."""

from __future__ import annotations

import os
from pathlib import Path

ASSETS = Path(__file__).resolve().parent / "assets"
# What each knows: the drawn world of StreetWorld; photographs, and any English word.
SHIPPED = {"street": ASSETS / "demo_bundle", "photo": ASSETS / "photo_bundle"}

__all__ = ["SHIPPED", "locate_bundle"]


def locate_bundle(name_or_folder: str | os.PathLike[str]) -> Path:
    """The folder of a shipped bundle's name, else the folder itself.

    A folder of one's own that is called like a shipped bundle is ``./street``.

    >>> locate_bundle("street").name, locate_bundle("./street").name
    ('demo_bundle', 'street')
    """
    shipped = SHIPPED.get(os.fspath(name_or_folder))
    if shipped is not None and shipped.is_dir():
        return shipped
    return Path(name_or_folder).expanduser()
