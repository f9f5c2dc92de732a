"""What the extra ``ray`` brings, and what is said where it is missing."""

from __future__ import annotations

from importlib import util

from runtime.errors import UserError

INSTALL = 'pip install -e ".[ray]"'

__all__ = ["INSTALL", "need"]


def need(*modules: str) -> None:
    """Raise ``UserError`` with the line that installs them, unless these can be imported."""
    missing = [name for name in modules if util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"python -m runtime.archive needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed: {INSTALL}"
        )
