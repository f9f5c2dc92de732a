"""Pictures that a benchmark leaves: whether they can be drawn, and where they may lie."""

from __future__ import annotations

from pathlib import Path

from runtime.errors import UserError


def check_sheet(path: Path, flag: str = "--sheet", *, photographs: bool = True) -> None:
    """Refuse a picture that could not be drawn, or that could come into a repository.

    Args:
        path: of the picture.
        flag: that named it.
        photographs: whether it shows any; what does not may lie in a repository.

    Raises:
        UserError: matplotlib is not installed, or a repository holds the place.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UserError(f"{flag} draws with matplotlib; pip install matplotlib") from None
    if not photographs:
        return
    place = path.resolve()
    for parent in place.parents:
        if (parent / ".git").exists():
            raise UserError(
                f"{flag} {path} lies in the repository {parent}, and other people's photographs "
                "must not get into one; give a place elsewhere"
            )
