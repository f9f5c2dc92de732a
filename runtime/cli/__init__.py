"""The command line of ``mgca-rt``: flags, one run from beginning to end, its report."""

from __future__ import annotations

from runtime.cli.entry import main

__all__ = ["main"]
