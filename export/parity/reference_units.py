"""The plain eager reference, second half: pixel embeddings in, semantic units out.

The algorithm of DESIGN section 4 once more, in loops over units and cells, with squared distances
spelled out and Python integers for the merging: slow, and easy to check against the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from export.parity.reference_encoder import unit_length


def gather_units(
    pixels_dhw: Tensor,
    colors_3hw: Tensor,
    settings: Mapping[str, Any],
    space: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Gather pixels into units.

    Args:
        pixels_dhw: (D, h', w') pixel embeddings of unit length.
        colors_3hw: (3, h', w') colors in [0, 1].
        settings: seeds, second_seeds, rounds, embedding_weight, color_weight, place_weight,
            sharpness, merge_cosine, merge_spread, merge_rounds.
        space: what is taken off an embedding (D,) and the matrix (D, R) it then goes through,
            wherever embeddings are compared; None: they are compared as they are.

    Returns:
        Unit embeddings (U, D), zeros in slots that were merged away, and shares (U, h', w'): how
        much of each pixel belongs to each unit, summing to 1 at every pixel.
    """
    height, width = pixels_dhw.shape[1:]
    features = _feature_maps(_placed(pixels_dhw, space), colors_3hw, settings)
    centres, seen = [], []
    for rows, columns in seed_cells(height, width, settings["seeds"]):
        cell = features[:, rows, columns].flatten(1)
        seeds = [cell.mean(dim=1)]
        if settings["second_seeds"]:
            seeds.append(_odd_one(cell, settings["second_seeds"]))
        centres += seeds
        seen += [_cell_and_neighbors(rows, columns, height, width)] * len(seeds)
    shares = _soft_shares(features, centres, seen, settings["sharpness"])
    for _ in range(settings["rounds"] - 1):
        centres = [_weighted_mean(features, share) for share in shares]
        shares = _soft_shares(features, centres, seen, settings["sharpness"])
    embeddings = _unit_embeddings(pixels_dhw, shares)
    for _ in range(settings["merge_rounds"]):
        merged = torch.zeros_like(shares)
        places = [_placed(embedding, space) for embedding in embeddings]
        if settings["merge_spread"]:
            slots = merge_near(places, settings["merge_spread"])
        else:
            slots = merge_alike(places, settings["merge_cosine"])
        for unit, slot in enumerate(slots):
            merged[slot] += shares[unit]
        shares, embeddings = merged, _unit_embeddings(pixels_dhw, merged)
    return torch.stack(embeddings), shares


def seed_cells(height: int, width: int, seeds: int) -> list[tuple[slice, slice]]:
    """Cut a grid into about ``seeds`` near-square cells of one size, row by row.

    Returns:
        (rows, columns) of each cell.
    """
    rows = nearest_divisor(height, (seeds * height / width) ** 0.5)
    columns = nearest_divisor(width, seeds / rows)
    tall, wide = height // rows, width // columns
    return [
        (slice(top, top + tall), slice(left, left + wide))
        for top in range(0, height, tall)
        for left in range(0, width, wide)
    ]


def _cell_and_neighbors(rows: slice, columns: slice, height: int, width: int) -> Tensor:
    """Bool (height, width): the cell and the eight around it, whose pixels see the cell's seeds."""
    tall, wide = rows.stop - rows.start, columns.stop - columns.start
    seen = torch.zeros(height, width, dtype=torch.bool)
    top, left = max(rows.start - tall, 0), max(columns.start - wide, 0)
    seen[top : rows.stop + tall, left : columns.stop + wide] = True
    return seen


def _odd_one(cell: Tensor, sharpness: float) -> Tensor:
    """The mean (F,) of a cell's pixels (F, M), where those far from their plain mean count more."""
    apart = (cell - cell.mean(dim=1, keepdim=True)).pow(2).sum(dim=0)
    return cell @ torch.softmax(sharpness * apart, dim=0)


def nearest_divisor(number: int, wanted: float) -> int:
    """Return the divisor of ``number`` whose ratio to ``wanted`` is closest to 1; of two, the
    smaller.
    """
    best = 1
    for divisor in range(2, number + 1):
        if number % divisor == 0:
            ratio, best_ratio = divisor / wanted, best / wanted
            if max(ratio, 1 / ratio) < max(best_ratio, 1 / best_ratio) - 1e-9:
                best = divisor
    return best


def merge_alike(means: list[Tensor], least_cosine: float) -> list[int]:
    """Say which slot each unit goes to: its first look-alike's first look-alike."""
    first_alike = []
    for unit, mean in enumerate(means):
        alike = [k for k, other in enumerate(means) if float(mean @ other) >= least_cosine]
        first_alike.append(min([*alike, unit]))
    return [first_alike[first] for first in first_alike]


def merge_near(means: list[Tensor], share: float) -> list[int]:
    """The same, for units nearer than a share of the mean squared distance of any two; units that
    are empty (zeros) stay where they are.
    """
    used = [unit for unit, mean in enumerate(means) if float(mean.norm()) > 0]
    pairs = [float((means[one] - means[other]).pow(2).sum()) for one in used for other in used]
    most = max(share * sum(pairs) / len(pairs), 1e-6)
    first_near = list(range(len(means)))
    for unit in used:
        near = [k for k in used if float((means[k] - means[unit]).pow(2).sum()) <= most]
        first_near[unit] = min([*near, unit])
    return [first_near[first] for first in first_near]


def _feature_maps(pixels: Tensor, colors: Tensor, settings: Mapping[str, Any]) -> Tensor:
    height, width = pixels.shape[1:]
    longer = max(height, width)
    place = pixels.new_zeros(2, height, width)
    for y in range(height):
        place[0, y, :] = (y + 0.5) / longer
    for x in range(width):
        place[1, :, x] = (x + 0.5) / longer
    weights = (settings[f"{what}_weight"] for what in ("embedding", "color", "place"))
    parts = (pixels, colors, place)
    return torch.cat([part * weight for part, weight in zip(parts, weights, strict=True)])


def _placed(embeddings: Tensor, space: tuple[Tensor, Tensor] | None) -> Tensor:
    """Embeddings (D, ...) in the units' space: (R, ...), of unit length."""
    if space is None:
        return embeddings
    center, matrix = space
    rest = embeddings - center.reshape(-1, *[1] * (embeddings.ndim - 1))
    return unit_length(torch.tensordot(matrix.T, rest, dims=1), dim=0)


def _soft_shares(
    features: Tensor, centres: list[Tensor], seen: list[Tensor], sharpness: float
) -> Tensor:
    """Shares (U, h', w'): of every pixel, among the centres that it sees."""
    distances = [
        (features - centre[:, None, None]).pow(2).sum(dim=0).where(here, float("inf"))
        for centre, here in zip(centres, seen, strict=True)
    ]
    return torch.softmax(-sharpness * torch.stack(distances), dim=0)


def _unit_embeddings(pixels: Tensor, shares: Tensor) -> list[Tensor]:
    return [unit_length(_weighted_sum(pixels, share), dim=0) for share in shares]


def _weighted_sum(maps: Tensor, share: Tensor) -> Tensor:
    return (maps * share).sum(dim=(1, 2))


def _weighted_mean(maps: Tensor, share: Tensor) -> Tensor:
    return _weighted_sum(maps, share) / share.sum().clamp(min=1e-3)
