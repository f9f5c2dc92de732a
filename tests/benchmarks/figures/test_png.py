"""Pictures are written whole, and made small where they must be."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from PIL import Image

from benchmarks.figures.png import encode, write_png
from runtime.errors import UserError


def test_a_noisy_picture_gets_fewer_colors_until_it_fits():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    noise[:20] = (255, 255, 255)
    full = encode(Image.fromarray(noise), None)
    assert (np.asarray(Image.open(io.BytesIO(full))) == noise).all()
    limit = len(full) * 4 // 10
    small = encode(Image.fromarray(noise), limit)
    assert len(small) < limit
    kept = np.asarray(Image.open(io.BytesIO(small)).convert("RGB")).astype(int)
    assert (kept[:20] == 255).all()  # what is flat stays as it is
    assert np.abs(kept - noise).mean() < 32


def test_what_sticks_out_of_the_figure_is_in_the_file(tmp_path: Path):
    figure = Figure(figsize=(1, 1), dpi=100)
    figure.text(0.5, 0.5, "wide " * 40)
    path = tmp_path / "new" / "wide.png"
    assert write_png(path, figure) == path.stat().st_size
    assert Image.open(path).width > 400


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UserError, match="cannot be written"):
        write_png(tmp_path / "file" / "a.png", Figure())
