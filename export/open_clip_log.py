"""open_clip's warning of random weights, kept quiet where the weights come a moment later."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def expect_weights_later() -> Iterator[None]:
    """Hide that open_clip built a model of random weights; every other line stays.

    A checkpoint holds the weights of both towers: its CLIP is built without any and filled then.
    open_clip says so through the root logger.
    """
    root = logging.getLogger()
    root.addFilter(_is_worth_saying)
    try:
        yield
    finally:
        root.removeFilter(_is_worth_saying)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    return "initialized randomly" not in record.getMessage()
