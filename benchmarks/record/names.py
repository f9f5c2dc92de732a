"""Lists of names on a command line, each of them one that is known."""

from __future__ import annotations

from collections.abc import Collection

from runtime.errors import UserError


def choose_names(text: str, known: Collection[str], flag: str) -> tuple[str, ...]:
    """``object,region`` -> its names, in that order.

    For lists whose choice other flags or a data set decide; else argparse's ``choices`` serve.

    Args:
        text: names separated by commas.
        known: what can be chosen from.
        flag: that ``text`` was given for; named in the error.

    Returns:
        At least one name, each of them in ``known``.

    Raises:
        UserError: an unknown name, or none at all.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UserError(
            f"{flag} {text}: unknown '{', '.join(unknown)}'; expected some of {', '.join(known)}"
        )
    return names
