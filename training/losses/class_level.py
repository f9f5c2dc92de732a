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
from training.model.towers.alignment import join_parts

# Patches of an image that are asked, at most: a thousand classes each.
PATCHES = 32


@dataclass(frozen=True, kw_only=True)
class ClassConfig:
    """The class level, of a pair of towers only (training.model.towers)."""

    class_level_weight: float = 0.0
    """Its weight; 0: captions alone teach the learned part."""
    class_guide: float = 0.0
    """Share of the trunk's classes in a patch's choice among the nouns that it is taught
    (training.losses.noun_level): who knows dogs says where the dog is that a caption names. What is
    taught is still the learned part alone; 0: that chooses by itself.
    """

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0 <= self.class_guide < 1:
            raise ValueError(f"class_guide is {self.class_guide}; expected 0 to below 1")


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


@torch.no_grad()
def beside_classes(
    model: MgcaModel,
    pixels_bnd: Tensor,
    nouns_ud: Tensor,
    frozen_ud: Tensor,
    classes_brhw: Tensor,
    share: float,
) -> tuple[Tensor, Tensor]:
    """Pixels and nouns as the learned part and the trunk's classes together see them, a noun with
    as much of the classes as is near to their names (``model.class_nearness``).

    Args:
        model: of a pair of towers, with a space of classes.
        pixels_bnd: (b, n, e + r) embeddings of a grid that is 1 or 4 times as fine as the patches'.
        nouns_ud: (u, e + r) embeddings of the nouns.
        frozen_ud: (u, d) what the sentence encoder says of them.
        classes_brhw: (b, r, hp, wp) what the trunk says, in the space of its classes.
        share: of the classes in a cosine.

    Returns:
        (b, n, e + r) and (u, e + r), unit length.
    """
    head = model.text_head
    assert head is not None and head.classes is not None, "MgcaObjective checks it"
    learned, patches = head.map.out_features, classes_brhw.shape[2] * classes_brhw.shape[3]
    finer = round((pixels_bnd.shape[1] / patches) ** 0.5)
    if finer > 1:
        classes_brhw = nn.functional.interpolate(
            classes_brhw, scale_factor=float(finer), mode="bilinear", align_corners=False
        )
    classes_bnr = classes_brhw.flatten(2).transpose(1, 2)
    pixels = join_parts(pixels_bnd[..., :learned], classes_bnr, share, dim=2)
    classes_ur, shares = head.classes.of_texts(frozen_ud), head.share_classes(frozen_ud, share)
    nouns = join_parts(nouns_ud[:, :learned], classes_ur, shares, dim=1)
    return pixels, nouns
