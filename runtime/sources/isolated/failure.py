"""What can happen to a process that decodes, as an error."""

from __future__ import annotations

import signal

from runtime.errors import MgcaError

__all__ = ["DecoderFailure", "describe_end"]


class DecoderFailure(MgcaError):
    """The process that decodes a source failed (exit code 1).

    Attributes:
        how: ``"crashed"``, ``"killed"`` or ``"hung"``, of which a fresh process may know nothing;
            ``"memory"`` where it wanted more than it may have; ``"raised"`` for an error that
            nobody foresaw.
    """

    def __init__(self, how: str, message: str) -> None:
        super().__init__(message)
        self.how = how

    @property
    def may_pass(self) -> bool:
        """Whether a process anew may do better."""
        return self.how in ("crashed", "killed", "hung")


def describe_end(code: int | None) -> DecoderFailure:
    """The failure of a process that ended without a word, by its exit code (negative: a signal)."""
    if code is None:
        return DecoderFailure("hung", "its decoder's process speaks no more")
    if code >= 0:
        return DecoderFailure("crashed", f"its decoder's process ended with exit code {code}")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        return DecoderFailure("killed", "its decoder's process was killed (SIGKILL)")
    if name == "SIGALRM":  # of its own watchdog
        return DecoderFailure("hung", "its decoder's process hung")
    return DecoderFailure("crashed", f"its decoder's process crashed ({name})")
