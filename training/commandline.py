"""An argument parser that answers a mistake in one line."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import NoReturn


class LineParser(argparse.ArgumentParser):
    """argparse, with one line on stderr and exit code 2 instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong, name the nearest flag, leave with 2."""
        if "unrecognized arguments:" in message:
            word = message.split("unrecognized arguments:")[1].split()[0].split("=")[0]
            flags = [flag for action in self._actions for flag in action.option_strings]
            near = difflib.get_close_matches(word, flags, 1, 0.4)
            message = f"unknown argument {word}" + (f"; did you mean {near[0]}?" if near else "")
        print(f"{self.prog}: {message}; see --help", file=sys.stderr)
        sys.exit(2)
