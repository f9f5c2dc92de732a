"""PNG files that stay small enough for a repository."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from runtime.atomic_write import write_whole
from runtime.errors import UserError

LIMIT_BYTES = 400_000


def write_png(path: Path, figure: Figure, limit_bytes: int | None = LIMIT_BYTES) -> int:
    """Write a figure, everything that belongs to it included, below a size.

    Args:
        path: of the file; its folder is made.
        figure: of matplotlib.
        limit_bytes: that the file stays below; None: as it is.

    Returns:
        The bytes written.

    Raises:
        UserError: it cannot be written.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight", pad_inches=0.08)
    data = encode(Image.open(drawn).convert("RGB"), limit_bytes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); give another folder with --out"
        ) from None
    return len(data)


def encode(image: Image.Image, limit_bytes: int | None) -> bytes:
    """PNG bytes of an RGB image.

    Sensor noise is what fills a PNG: where the picture is too large, it gets a palette of 256
    colors, then of ever fewer down to 16, which flat areas and letters survive.
    """
    data = _save(image)
    colors = 256
    while limit_bytes is not None and len(data) >= limit_bytes and colors >= 16:
        rounded = image.quantize(
            colors, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE
        )
        data = _save(rounded)
        colors //= 2
    return data


def _save(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()
