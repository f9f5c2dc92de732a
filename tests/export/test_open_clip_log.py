"""open_clip's warning of random weights is hidden where a checkpoint fills them, and only that."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

pytest.importorskip("torch")

from export.open_clip_log import expect_weights_later
from export.settings import ExportSettings
from export.source import load_source
from training.model.clip import load_clip


def test_a_checkpoint_is_not_called_random(checkpoint: Path, caplog) -> None:
    load_source(ExportSettings(out=Path("unused"), checkpoint=checkpoint))
    assert "initialized randomly" not in caplog.text
    load_clip("mgca-tiny")
    assert "initialized randomly" in caplog.text  # true here, and open_clip's words are still these


def test_every_other_line_is_told(caplog) -> None:
    with expect_weights_later():
        logging.warning("QuickGELU mismatch between final model config and pretrained tag")
        logging.warning("Model initialized randomly.")
    logging.warning("Model initialized randomly, later.")
    assert [record.getMessage()[:9] for record in caplog.records] == ["QuickGELU", "Model ini"]
