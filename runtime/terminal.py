"""Lines of text beside a progress bar on the same terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["LineHandler", "beside_bar"]


@contextmanager
def beside_bar(stream: TextIO) -> Iterator[None]:
    """Take progress bars off the terminal while something is written to ``stream``.

    Without it a line is glued to the bar's. Costs nothing where no bar was ever made.
    """
    module = sys.modules.get("tqdm")
    if module is None:
        yield
        return
    with module.tqdm.external_write_mode(file=stream):
        yield


class LineHandler(logging.StreamHandler):  # type: ignore[type-arg]  # no [] on Python 3.10
    """Log records as lines on a stream, none of them glued to a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        with beside_bar(self.stream):
            super().emit(record)
