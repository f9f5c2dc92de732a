"""Patches say in the learned space what the frozen trunk's classifier says of them.

Not MGCA's, and no caption's doing: supervision by the labels that the trunk was trained on, passed
on through the classes' names. It teaches the map of the texts a thousand words that captions of a
few thousand photographs hardly name.

Shape legend: b images, c classes, e learned width, r width of the classes' space, q patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.losses.noun_level import SCALE
from training.model.mgca import MgcaModel

# Patches of an image that are asked, at most: a thousand classes each.
PATCHES = 32


@dataclass(frozen=True, kw_only=True)
class ClassConfig:
    """The class level, of a pair of towers only (training.model.towers)."""

    class_level_weight: float = 0.0
    """Its weight; 0: captions alone teach the learned part."""


def class_loss(
    model: MgcaModel,
    embeddings_bdhw: Tensor,
    classes_brhw: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Cross entropy of each patch's softmax over all classes' names and the trunk's own answer.

    Args:
        model: of a pair of towers, with a space of classes.
        embeddings_bdhw: (b, e + r, h', w') embeddings of patches or of pixels, h' a multiple of hp;
            only the first e are looked at.
        classes_brhw: (b, r, hp, wp) what the trunk says, in the space of its classes.
        generator: draws the patches; on the CPU.
    """
    head = model.text_head
    assert head is not None and head.classes is not None, "MgcaObjective checks it"
    count = classes_brhw.shape[2] * classes_brhw.shape[3]
    drawn_q = torch.randperm(count, generator=generator)[:PATCHES].to(classes_brhw.device)
    space = head.classes
    # Nearly the classifier's probabilities: the space keeps most directions of them.
    answer_brq = classes_brhw.flatten(2)[:, :, drawn_q]
    target_bqc = (answer_brq.transpose(1, 2) @ space.projection_cr.T).relu()
    target_bqc = target_bqc / target_bqc.sum(-1, keepdim=True).clamp_min(1e-6)
    learned = head.map.out_features
    finer = embeddings_bdhw.shape[2] // classes_brhw.shape[2]
    patches_behw = nn.functional.avg_pool2d(embeddings_bdhw[:, :learned], finer)
    patches_bqe = patches_behw.flatten(2)[:, :, drawn_q].transpose(1, 2)
    names_ce = nn.functional.normalize(head.map(space.names_cd), dim=1)
    logits_bqc = SCALE * (nn.functional.normalize(patches_bqe, dim=-1) @ names_ce.T)
    return -(target_bqc * logits_bqc.log_softmax(-1)).sum(-1).mean()
