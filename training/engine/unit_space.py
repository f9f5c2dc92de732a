"""Measure the space that pixels gather into units in (training.model.unit_space).

Embeddings of one wall differ from patch to patch, with light, texture and place, as much in some
directions as walls and roads differ in others. No label says which directions those are, but
neighbours of nearly one color nearly always show one surface: their differences are taken for
noise. The space is Fisher's linear discriminant with such neighbours in the place of classes: the
mean taken off, noise made alike in all directions, and of those the few kept in which embeddings
differ most beside it.

Shape legend: b images, d embedding width, r width of the space, h w the decoder's grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from training.data.batches import normalize_images, unit_images
from training.model.mgca import MgcaModel
from training.model.resample import shrink_to
from training.model.unit_space import UnitSpace

# Neighbours' distances, as shares of the grid's longer side.
DISTANCES = (1 / 15, 2 / 15)
# Squared distance in RGB (each in [0, 1]) up to which neighbours count as of one color.
SAME_COLOR = 0.004
# What the largest noise adds to every direction's, so that none is blown up that hardly varied.
RIDGE = 0.01


class _Moments:
    """Sums that a mean and covariances are made of; float64, for they hold millions of terms."""

    def __init__(self, width: int) -> None:
        self.noise_dd = torch.zeros(width, width, dtype=torch.float64)
        self.square_dd = torch.zeros(width, width, dtype=torch.float64)
        self.sum_d = torch.zeros(width, dtype=torch.float64)
        self.pairs = self.pixels = 0

    def add(self, embeddings_dhw: Tensor, colors_3hw: Tensor) -> None:
        """Count one image."""
        height, width = embeddings_dhw.shape[1:]
        for share in DISTANCES:
            step = max(1, round(share * max(height, width)))
            for down, across in ((step, 0), (0, step)):
                difference_dn = _shifted(embeddings_dhw, down, across).flatten(1)
                apart_n = _shifted(colors_3hw, down, across).square().sum(0).flatten()
                alike_dn = difference_dn[:, apart_n < SAME_COLOR].double()
                self.noise_dd += alike_dn @ alike_dn.T
                self.pairs += alike_dn.shape[1]
        embeddings_dn = embeddings_dhw.flatten(1).double()
        self.square_dd += embeddings_dn @ embeddings_dn.T
        self.sum_d += embeddings_dn.sum(1)
        self.pixels += embeddings_dn.shape[1]


def _shifted(maps: Tensor, down: int, across: int) -> Tensor:
    """Each pixel's difference to the one so many places further: (c, h - down, w - across)."""
    height, width = maps.shape[1:]
    return maps[:, down:, across:] - maps[:, : height - down, : width - across]


def find_unit_space(
    model: MgcaModel, images: Iterable[Tensor], space_width: int, *, baseline: bool = False
) -> UnitSpace | None:
    """Where a model's pixels gather into units.

    Args:
        model: on any device; left in eval mode.
        images: batches, uint8 (b, h, w, 3), on the model's device.
        space_width: r; 0: None is given.
        baseline: of CLIP's own dense features instead of the decoder's.

    Returns:
        The space, on the model's device.
    """
    if not space_width:
        return None
    model.eval()
    embed = model.baseline_embeddings if baseline else model.pixel_embeddings
    space = measure_unit_space(
        view_images(embed, images), width=model.encoder.embedding_width, space_width=space_width
    )
    return space.to(model.text_center.device)


@torch.no_grad()
def view_images(
    embed: Callable[[Tensor], Tensor], images: Iterable[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Embeddings and colors of images on one grid, as :func:`measure_unit_space` takes them.

    Args:
        embed: normalised images (b, 3, h, w) -> unit-length embeddings (b, d, h', w').
        images: batches, uint8 (b, h, w, 3).
    """
    for images_bhw3 in images:
        embeddings_bdhw = embed(normalize_images(images_bhw3))
        height, width = embeddings_bdhw.shape[2:]
        yield embeddings_bdhw, shrink_to(unit_images(images_bhw3), (int(height), int(width)))


@torch.no_grad()
def measure_unit_space(
    views: Iterable[tuple[Tensor, Tensor]], *, width: int, space_width: int
) -> UnitSpace:
    """Find the space on some images; nothing but pixels is looked at.

    Args:
        views: a batch each: embeddings (b, d, h, w) of unit length, and the images' colors
            (b, 3, h, w) in [0, 1] on the same grid. Some dozens of images are plenty.
        width: d.
        space_width: r, at most d.

    Returns:
        The space, float32, on the CPU.

    Raises:
        ValueError: no image, or no two neighbours of one color in any.
    """
    moments = _Moments(width)
    for embeddings_bdhw, colors_b3hw in views:
        for embeddings_dhw, colors_3hw in zip(
            embeddings_bdhw.float().cpu(), colors_b3hw.float().cpu(), strict=True
        ):
            moments.add(embeddings_dhw, colors_3hw)
    if not moments.pairs:
        raise ValueError("no two neighbours of one color; expected at least one image with some")
    mean_d = moments.sum_d / moments.pixels
    total_dd = moments.square_dd / moments.pixels - torch.outer(mean_d, mean_d)
    variance_d, axes_dd = torch.linalg.eigh(moments.noise_dd / moments.pairs)
    variance_d = variance_d.clamp_min(0.0)
    scale_d = (variance_d + RIDGE * variance_d[-1].clamp_min(1e-12)).rsqrt()
    whitening_dd = axes_dd @ torch.diag(scale_d) @ axes_dd.T
    _, directions_dd = torch.linalg.eigh(whitening_dd @ total_dd @ whitening_dd)
    # eigh gives the smallest first.
    projection_dr = whitening_dd @ directions_dd[:, -space_width:]
    # Only directions matter afterwards; a length of one keeps the numbers where floats are dense.
    projection_dr = projection_dr / torch.linalg.matrix_norm(projection_dr)
    return UnitSpace(mean_d.float(), projection_dr.float())
