"""Results on stdout, where ``-`` stands in place of a file's name."""

from __future__ import annotations

import sys
from contextlib import nullcontext

from runtime.errors import MgcaError, UserError
from runtime.terminal import beside_bar

__all__ = ["refuse_dash", "write_stdout"]


def write_stdout(text: str, flag: str) -> None:
    """Write text at once, beside a progress bar if there is one; raises ``MgcaError``."""
    try:
        with beside_bar(sys.stdout) if sys.stdout.isatty() else nullcontext():
            sys.stdout.write(text)
            sys.stdout.flush()
    except BrokenPipeError:
        raise MgcaError(f"{flag} -: the reader of stdout went away") from None
    except OSError as error:
        raise MgcaError(f"{flag} -: stdout could not be written ({error.strerror})") from None


def refuse_dash(flag: str, given: object) -> None:
    """Refuse ``-`` where stdout cannot take the output; raises ``UserError``."""
    if str(given) == "-":
        raise UserError(
            f"{flag} - would mean stdout, which cannot take it; give a name (./- for that very one)"
        )
