"""Which units say the same and become one.

Shape legend: u unit slots, r width of the space that they are compared in, d embedding width.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Squared distance of unit vectors under which rounding, not the image, keeps two apart.
_SAME = 1e-6


def find_leaders(means_ur: Tensor, least_cosine: float, spread: float) -> Tensor:
    """(u,) int64: the slot that each slot moves into.

    A slot follows the first slot that says the same as it does; a second hop lets short chains
    meet.

    Args:
        means_ur: (u, r), unit length; zeros in slots that are empty.
        least_cosine: of two units that say the same.
        spread: above 0, says it in the place of ``least_cosine``: the largest distance of such two,
            as a share of the mean of all pairs (squared).
    """
    if spread > 0:
        alike_uu = _near_of_all(means_ur, spread)
    else:
        alike_uu = (means_ur @ means_ur.transpose(0, 1) >= least_cosine).to(means_ur.dtype)
    slots = alike_uu.shape[0]
    alike_uu = torch.maximum(
        alike_uu, torch.eye(slots, device=means_ur.device, dtype=means_ur.dtype)
    )
    # Falling weights make the first of several alike slots the largest: ArgMax has no guarantee on
    # ties.
    falling_u = torch.arange(slots, 0, -1, device=means_ur.device, dtype=means_ur.dtype)
    leader_u = (alike_uu * falling_u).argmax(dim=1)
    return leader_u.index_select(0, leader_u)


def _near_of_all(means_ur: Tensor, spread: float) -> Tensor:
    """(u, u), 1 where two units are near for what the image has, else 0."""
    used_u1 = (means_ur.square().sum(1, keepdim=True) > 0).to(means_ur.dtype)
    count = used_u1.sum()
    # From their middle, where small distances are no differences of large numbers.
    offset_ur = (means_ur - means_ur.sum(0, keepdim=True) / count) * used_u1
    square_u1 = offset_ur.square().sum(1, keepdim=True)
    apart_uu = square_u1 + square_u1.transpose(0, 1)
    apart_uu = apart_uu - 2 * (offset_ur @ offset_ur.transpose(0, 1))
    # The mean squared distance of all pairs is twice that from the middle.
    most = (2 * spread * square_u1.sum() / count).clamp_min(_SAME)
    return (apart_uu <= most).to(means_ur.dtype) * used_u1 * used_u1.transpose(0, 1)


def gather_sums(sums_ud: Tensor, slot_of_u: Tensor) -> Tensor:
    """The sums (u, d) where their slots moved to."""
    slots_1u = torch.arange(slot_of_u.shape[0], device=slot_of_u.device).unsqueeze(0)
    moved_uu = (slot_of_u.unsqueeze(1) == slots_1u).to(sums_ud.dtype)
    return moved_uu.transpose(0, 1) @ sums_ud
